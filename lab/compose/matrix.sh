#!/usr/bin/env bash
# Pings every pod from every pod, once, and prints who reached whom. Exit code 0 when everyone reached everyone.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose=(docker-compose)
docker compose version >/dev/null 2>&1 && compose=(docker compose)

nodes=(a1 a2 a3 a4 b1)
pods=(10.233.1.10 10.233.2.10 10.233.3.10 10.233.4.10 10.233.5.10)

# A pod's line: its name, and a mark per pod.
line() {
  printf '%-8s' "pod-$1"
  "${compose[@]}" exec -T "pod-$1" sh -c \
    'for pod; do if ping -c 1 -W 1 "$pod" >/dev/null 2>&1; then printf "%-8s" ok; else printf "%-8s" -; fi; done' sh "${pods[@]}"
}

printf '%-8s' from
printf '%-8s' "${nodes[@]/#/pod-}"
failed=0
for node in "${nodes[@]}"; do
  answer=$(line "$node")
  printf '\n%s' "$answer"
  [[ $answer == *" -"* ]] && failed=1
done
echo
exit "$failed"
