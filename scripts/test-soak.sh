#!/usr/bin/env bash
# npm run test:soak [-- --minutes N --peers N --seed N --stall-ms N --alone]: clients of a reflector that do all that clients do and
# should not do, BIRD and FRR among them, but with --alone, which needs no root. Three minutes unless told.
source "$(dirname "$0")/env.sh"

if [[ " $* " == *' --alone '* ]]; then
  bash scripts/setup.sh
else
  ((EUID == 0)) || die 'BIRD and FRR get network namespaces: run this as root, or with --alone'
  bash scripts/setup.sh bird2 frr iproute2
fi
exec node test/soak/main.ts "$@"
