#!/usr/bin/env bash
# npm run bench [-- OPTION …]: margay beside FRR, BIRD, OpenBGPD and GoBGP; `npm run bench -- --help` says more.
# Installs what is missing, as far as it can be had, builds, and runs bench/main.ts.
source "$(dirname "$0")/env.sh"

bash scripts/setup.sh
for argument in "$@"; do
  case $argument in
    --help | --from | --from=*) exec node bench/main.ts "$@" ;;
  esac
done
((EUID == 0)) || die 'benchmarks make network namespaces: run them as root (sudo npm run bench)'

bash scripts/setup.sh iproute2 procps
for package in bird2 frr gobgpd openbgpd; do
  bash scripts/setup.sh "$package" || say "going on without $package"
done
npm run --silent build
exec node bench/main.ts "$@"
