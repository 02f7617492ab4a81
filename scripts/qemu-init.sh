#!/bin/busybox sh
# PID 1 of the initramfs that scripts/qemu.sh packs: loads the modules it was packed with, mounts the host's root (read-only) and the
# project (writable) over 9p, and hands over to scripts/qemu-guest.sh. With margay.probe it only shows that the accelerator works.
bb=/bin/busybox
$bb mkdir -p /proc /sys /dev /newroot
$bb mount -t proc proc /proc
$bb mount -t devtmpfs dev /dev
if $bb grep -q margay.probe /proc/cmdline; then
  echo 'margay: accelerator works'
  echo o >/proc/sysrq-trigger
  $bb sleep 10
fi
while read -r module; do $bb insmod "/modules/$module"; done </modules/order
options=trans=virtio,version=9p2000.L,msize=512000,cache=loose
project=$($bb sed -n 's/.*margay.project=\([^ ]*\).*/\1/p' /proc/cmdline)
$bb mount -t 9p -o "ro,$options" root /newroot
$bb mount -t 9p -o "$options" project "/newroot$project"
$bb mount --move /dev /newroot/dev
$bb umount /proc
exec $bb switch_root /newroot "$project/scripts/qemu-guest.sh" "$project"
