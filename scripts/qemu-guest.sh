#!/bin/bash
# PID 1 inside the Debian kernel that scripts/qemu.sh booted: gives the command scratch space and network modules, runs it with its
# output on one virtio port, writes its exit code to another, and switches the machine off.
project=$1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mount -t devpts devpts /dev/pts
# The project may itself lie under one of these: it is put aside meanwhile.
mount --bind "$project" /mnt
for scratch in /dev/shm /run /tmp /var/tmp /var/log; do mount -t tmpfs -o mode=1777 tmpfs "$scratch"; done
[[ -d $project/scripts ]] || { mkdir -p "$project" && mount --bind /mnt "$project"; }
umount /mnt
mkdir -p /run/netns /run/frr
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
modprobe -a virtio_console ipip veth bridge vxlan dummy br_netfilter nf_tables 2>/dev/null

port() { # the device of a virtio port, by the name that qemu.sh gave it
  local name
  for name in /sys/class/virtio-ports/*/name; do
    [[ -r $name && $(<"$name") == "$1" ]] && basename "$(dirname "$name")" && return
  done
  return 1
}
terminal=
grep -q margay.terminal /proc/cmdline && terminal=hvc0
until rc=$(port margay.rc) && out=${terminal:-$(port margay.out)} && [[ -c /dev/$out && -c /dev/$rc ]]; do sleep 0.05; done
ip link set lo up
cd "$project" || exit 1
command=$project/.cache/qemu/run-$(sed -n 's/.*margay.run=\([^ ]*\).*/\1/p' /proc/cmdline)/command.sh
if [[ -n $terminal ]]; then
  setsid --ctty --wait bash "$command" </dev/hvc0 >/dev/hvc0 2>&1
else
  setsid --wait bash "$command" </dev/null >"/dev/$out" 2>&1
fi
echo $? >"/dev/$rc"
sync
echo o >/proc/sysrq-trigger
sleep 60
