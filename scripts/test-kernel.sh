#!/usr/bin/env bash
# npm run test:kernel [-- --native]: the programmer on real kernels, in network namespaces. First on this kernel; then, where it has no
# ipip and without --native, what needs tunl0 on Debian's own (scripts/test-emulated.sh).
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the kernel tests make network namespaces and routes: run them as root'

bash scripts/setup.sh iproute2 nftables iptables tcpdump iputils-ping procps kmod
npm run --silent build
export MARGAY_PROGRAM=dist
if kernel_has_ipip; then
  say "kernel tests on this kernel ($(uname -r)), which has ipip"
  MARGAY_REQUIRE_IPIP=1 exec bash scripts/run-tests.sh --test-concurrency=1 test/kernel/*.test.ts
fi
mapfile -t others < <(ls test/kernel/*.test.ts | grep -v '/ipip')
say "kernel tests on this kernel ($(uname -r)), which has no ipip"
bash scripts/run-tests.sh --test-concurrency=1 "${others[@]}"
[[ ${1:-} == --native ]] || exec bash scripts/test-emulated.sh
