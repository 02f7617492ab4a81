#!/usr/bin/env bash
# npm run test:torture: five minutes of a programmer's life among links, routes and daemons that come and go, with no look-up of a
# stable destination failing. MARGAY_TORTURE_SECONDS and MARGAY_TORTURE_SEED have it last otherwise, or the same again.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'this makes network namespaces and routes: run it as root'

bash scripts/setup.sh iproute2 nftables procps kmod
export MARGAY_TORTURE_SECONDS=${MARGAY_TORTURE_SECONDS:-300} MARGAY_TORTURE_SEED=${MARGAY_TORTURE_SEED:-$RANDOM}
say "$MARGAY_TORTURE_SECONDS s, seed $MARGAY_TORTURE_SEED"
exec node --test test/kernel/torture.test.ts
