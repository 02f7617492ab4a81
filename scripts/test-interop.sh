#!/usr/bin/env bash
# npm run test:interop [-- FILE …]: margay, as built, against real BIRD, FRR and GoBGP in network namespaces, and its messages read by tshark.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the interop tests make network namespaces: run them as root'

bash scripts/setup.sh bird2 frr gobgpd tshark iproute2 iputils-ping procps
npm run --silent build
export MARGAY_PROGRAM=dist
(($#)) || set -- "test/interop/*.test.ts"
say 'interop tests against BIRD, FRR, GoBGP and tshark'
bash scripts/run-tests.sh --test-concurrency=1 "$@"
