#!/usr/bin/env bash
# scripts/run-tests.sh [--in-qemu] [--test-…=… of node] FILE …: runs test files one way everywhere; --in-qemu has them run on Debian's kernel.
# A test that was skipped fails the run, unless its reason starts with "expected:" and so says that another run covers it.
# Files that did not pass are run once more, one at a time, and the run says so: other people's daemons and an emulated processor
# have bad moments. What does not pass twice fails the run, and so do more than six files at once, which are no moment.
source "$(dirname "$0")/env.sh"

options=()
machine=() # what the test runner is started by
second_machine=()
while (($#)); do
  case $1 in
    --test-*=*) options+=("$1"); shift ;;
    --in-qemu)
      machine=(bash scripts/qemu.sh --timeout 2400 --)
      second_machine=(bash scripts/qemu.sh --one-processor --timeout 2400 --)
      shift ;;
    -*) STATUS=2 die "run-tests.sh does not know '$1': run-tests.sh [--in-qemu] [--test-…=…] FILE …" ;;
    *) break ;;
  esac
done
(($#)) || STATUS=2 die 'run-tests.sh wants files'
most_second_tries=6

mkdir -p .cache # and not /tmp: a machine in QEMU has its own
report=$(mktemp -p .cache test-report-XXXXXX)
trap 'rm -f "$report"' EXIT

# Runs files; what passed and what was skipped goes into the report. A run that hangs is ended, and its files have not passed.
attempt() {
  "${machine[@]}" timeout --kill-after=20 2400 node --test "${options[@]}" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./test/support/passed-files-reporter.ts --test-reporter-destination="$report" "$@" </dev/null || true
  not_passed=()
  local file
  for file in "$@"; do grep -qxF "passed $(realpath "$file")" "$report" || not_passed+=("$file"); done
  skipped=$({ echo "$skipped"; grep '^skipped ' "$report" | grep -v ': expected:' || true; } | sort -u | sed '/^$/d')
}

skipped=
attempt "$@"
if ((${#not_passed[@]} > 0 && ${#not_passed[@]} <= most_second_tries)); then
  first=("${not_passed[@]}")
  say "FAILED, and run ONCE MORE, one at a time: ${first[*]}"
  options+=(--test-concurrency=1)
  machine=("${second_machine[@]}")
  attempt "${first[@]}"
  ((${#not_passed[@]})) || say "FAILED ONCE, and passed the second time: ${first[*]}"
fi
if [[ -n $skipped ]]; then
  say 'skipped, which nobody expected:'
  sed 's/^skipped /  /' <<<"$skipped" >&2
fi
((${#not_passed[@]} == 0)) || say "FAILED: ${not_passed[*]}"
[[ ${#not_passed[@]} == 0 && -z $skipped ]]
