#!/usr/bin/env bash
# npm run test:kernel: the programmer on real kernels, in network namespaces. First on this kernel; then, where it has no ipip, what
# needs tunl0 on Debian's own kernel in QEMU.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the kernel tests make network namespaces and routes: run them as root'

bash scripts/setup.sh iproute2 iputils-ping procps kmod
npm run --silent build
export MARGAY_PROGRAM=dist
if kernel_has_ipip; then
  say "kernel tests on this kernel ($(uname -r)), which has ipip"
  MARGAY_REQUIRE_IPIP=1 exec bash scripts/run-tests.sh --test-concurrency=1 "test/kernel/*.test.ts"
fi
mapfile -t tunnel < <(grep -l MARGAY_REQUIRE_IPIP\\\|skipWithoutIpip test/kernel/*.test.ts)
mapfile -t others < <(ls test/kernel/*.test.ts | grep -v '/ipip')
say "kernel tests on this kernel ($(uname -r)), which has no ipip"
bash scripts/run-tests.sh --test-concurrency=1 "${others[@]}"
say "what needs tunl0, on Debian's own kernel: ${tunnel[*]}"
export MARGAY_REQUIRE_IPIP=1
in_qemu() { bash scripts/qemu.sh --timeout 1200 -- bash scripts/run-tests.sh --test-concurrency=1 "${tunnel[@]}"; }
# An emulated processor has been seen to lose a Node process at its start, about once in ten runs: what fails twice is ours.
in_qemu || { say 'failed under emulation: once more'; in_qemu; }
