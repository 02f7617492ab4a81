#!/usr/bin/env bash
# npm run lab [-- --keep | --down | --topology mesh|reflector | --native]: pods on five nodes and two segments reach each other.
# Installs what is missing, builds, and runs lab/main.ts: here, or on Debian's kernel in QEMU where this kernel has no ipip.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the lab makes network namespaces and routes: run it as root (sudo npm run lab)'

bash scripts/setup.sh bird2 frr iproute2 nftables iputils-ping procps kmod
export MARGAY_PROGRAM=dist
case " $* " in
  *' --down '*) exec node lab/main.ts "$@" ;;
esac
npm run --silent build

if kernel_has_ipip || [[ " $* " == *' --native '* ]]; then
  exec node lab/main.ts "$@"
fi
say "this kernel ($(uname -r)) has no ipip, which pods across the router need: the whole lab runs on Debian's own kernel in QEMU"
if [[ " $* " == *' --keep '* ]]; then
  [[ -t 0 && -t 1 ]] || die '--keep on the kernel in QEMU wants a terminal, to give you a shell in there'
  exec bash scripts/qemu.sh --timeout 86400 --terminal -- \
    bash -c 'node lab/main.ts "$@" && echo "This is a shell inside; leaving it ends the lab." && exec bash -i' lab "$@"
fi
bash scripts/qemu.sh --timeout 600 -- node lab/main.ts "$@" && exit
say 'FAILED, and run ONCE MORE: the emulated processors of a busy machine have bad moments'
exec bash scripts/qemu.sh --one-processor --timeout 600 -- node lab/main.ts "$@"
