#!/usr/bin/env bash
# npm run test:emulated [-- --short]: the kernel tests that need tunl0, or do more with it, on Debian's own kernel in QEMU; for machines
# whose kernel has no ipip. --short leaves out the torture, and does with one kind of IPIP device on the wire.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the machine in QEMU reads the whole file system: run this as root'

bash scripts/setup.sh iproute2 nftables tcpdump iputils-ping procps kmod util-linux
npm run --silent build
export MARGAY_PROGRAM=dist MARGAY_REQUIRE_IPIP=1 MARGAY_TORTURE_SECONDS=${MARGAY_TORTURE_SECONDS:-60}
mapfile -t files < <(grep -lE 'MARGAY_REQUIRE_IPIP|skipWithoutIpip|tunnelKinds' test/kernel/*.test.ts)
if [[ ${1:-} == --short ]]; then
  export MARGAY_SHORT=1
  mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v /torture)
fi
say "what needs tunl0, on Debian's own kernel: ${files[*]}"
exec bash scripts/run-tests.sh --in-qemu --test-concurrency=1 "${files[@]}"
