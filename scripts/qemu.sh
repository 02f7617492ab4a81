#!/usr/bin/env bash
# Runs a command on the stock Debian kernel: scripts/qemu.sh [--memory 3G] [--timeout SECONDS] [--terminal] [--one-processor] -- COMMAND …
# The machine's own root is there read-only, the project writable, /tmp and /run fresh; the command's output is streamed, its exit code
# returned. Needs root. With --terminal the command has this terminal for its own; with --one-processor the machine keeps to one of ours.
# MARGAY_QEMU_ACCEL=kvm|tcg skips the probe. Environment that starts with MARGAY_, NODE_ or LAB_ goes along.
source "$(dirname "$0")/env.sh"

memory=3G
timeout=1200
arguments=
processor=() # what keeps the machine on one processor
device=virtserialport # the command's output; a console (a terminal, with input) with --terminal
while (($#)); do
  case $1 in
    --memory) memory=$2; shift 2 ;;
    --timeout) timeout=$2; shift 2 ;;
    --terminal) device=virtconsole; shift ;;
    # Emulated processors that take turns do not run code that another of them is translating, which kills Node now and then.
    --one-processor) processor=(taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')"); shift ;;
    --) shift; break ;;
    *) STATUS=2 die "qemu.sh does not know '$1': qemu.sh [--memory 3G] [--timeout SECONDS] [--terminal] [--one-processor] -- COMMAND …" ;;
  esac
done
(($#)) || STATUS=2 die 'qemu.sh wants a command after --'
((EUID == 0)) || die 'the QEMU runner must read the whole file system: run it as root'

bash scripts/setup.sh qemu-system-x86 linux-image-amd64 busybox-static cpio kmod
kernel=$(ls -1v /boot/vmlinuz-*-amd64 2>/dev/null | tail -n 1)
[[ -n $kernel ]] || die 'no Debian kernel in /boot: apt-get install --reinstall linux-image-amd64'
version=${kernel#/boot/vmlinuz-}
cache=$ROOT/.cache/qemu
run=$cache/run-$$
mkdir -p "$run"
machine=
finish() { [[ -z $machine ]] || kill "$machine" 2>/dev/null || true; rm -rf "$run"; }
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The initramfs: busybox and what must be loaded before the root can be mounted.
pack_initrd() {
  local root=$run/initramfs module path
  mkdir -p "$root/bin" "$root/modules"
  cp /bin/busybox "$root/bin/busybox"
  cp scripts/qemu-init.sh "$root/init"
  chmod +x "$root/init"
  for module in 9p 9pnet_virtio virtio_pci; do
    modprobe -S "$version" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
    cp "$path" "$root/modules/"
    basename "$path" >>"$root/modules/order"
  done
  (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$run/initrd.gz"
  mv "$run/initrd.gz" "$initrd"
}
initrd=$cache/initrd-$version.gz
[[ -f $initrd && ! scripts/qemu-init.sh -nt $initrd && ! $kernel -nt $initrd ]] || pack_initrd

# no_timer_check: on a busy machine the emulated timer ticks too late for the check, and the kernel would panic.
# Without protection keys: V8 switches them around code that it writes, and Node does not survive all that the emulation makes of it.
boot() { # accelerator, kernel arguments, further arguments for qemu
  local accelerator=$1 arguments=$2
  shift 2
  exec "${processor[@]}" qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu max,pku=off -smp 2 -m "$memory" -display none -monitor none -no-reboot \
    -nodefaults -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check $arguments" "$@"
}

# KVM only where it truly runs: with no nested virtualisation /dev/kvm may exist and hang. Tried once per boot of the host.
accelerator() {
  local remembered=$cache/accelerator-$(</proc/sys/kernel/random/boot_id)
  if [[ -n ${MARGAY_QEMU_ACCEL:-} ]]; then echo "${MARGAY_QEMU_ACCEL/%tcg/tcg,thread=multi}"; return; fi
  if [[ ! -f $remembered ]]; then
    if [[ -w /dev/kvm ]] && timeout 10 bash -c "$(declare -f boot); kernel=$kernel initrd=$initrd memory=$memory; boot kvm margay.probe -serial stdio" \
      </dev/null 2>/dev/null | grep -q 'accelerator works'; then echo kvm; else echo tcg,thread=multi; fi >"$remembered"
  fi
  cat "$remembered"
}

{
  env | grep -E '^(MARGAY_|NODE_|LAB_|CI=|FORCE_COLOR=|NO_COLOR=|TERM=|LANG=|LC_)' | while IFS= read -r line; do printf 'export %q\n' "$line"; done
  printf 'export PATH=%q HOME=/tmp MARGAY_IN_QEMU=1 NODE_COMPILE_CACHE=%q\ncd %q\nexec ' "$ROOT/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$cache/node" "$ROOT"
  printf '%q ' "$@"
  echo
} >"$run/command.sh"
input=$run/stdin
mkfifo "$input" # kept open for writing too: at an end of input QEMU would hang up the output port
if [[ $device == virtconsole ]]; then
  [[ -t 0 && -t 1 ]] || die '--terminal wants a terminal'
  input=$(tty)
  arguments=margay.terminal
  read -r rows columns < <(stty size)
  printf '%s\n' "stty rows $rows columns $columns" | cat - "$run/command.sh" >"$run/command" && mv "$run/command" "$run/command.sh"
fi
accel=$(accelerator)
say "booting Debian's kernel $version in QEMU (${accel%%,*})"
boot "$accel" "margay.project=$ROOT margay.run=$$ $arguments" \
  -serial "file:$run/console.log" \
  -virtfs "local,path=/,mount_tag=root,security_model=none,multidevs=remap,readonly=on" \
  -virtfs "local,path=$ROOT,mount_tag=project,security_model=none,multidevs=remap" \
  -device virtio-serial-pci \
  -chardev stdio,id=out,signal=off -device "$device,chardev=out,name=margay.out" \
  -chardev "file,id=rc,path=$run/rc" -device virtserialport,chardev=rc,name=margay.rc <>"$input" &
machine=$!
(sleep "$timeout" && kill "$machine") >/dev/null 2>&1 &
watchdog=$!
wait "$machine" || true
machine=
kill "$watchdog" 2>/dev/null && wait "$watchdog" 2>/dev/null || true

code=$(tr -dc 0-9 <"$run/rc" 2>/dev/null || true)
[[ -z ${MARGAY_QEMU_DEBUG:-} ]] || cp "$run/console.log" "$cache/"
if [[ -z $code ]]; then
  tail -n 40 "$run/console.log" >&2 2>/dev/null || true
  STATUS=124 die "the QEMU machine ended without a result (time-out is $timeout s); the end of its console is above"
fi
exit "$code"
