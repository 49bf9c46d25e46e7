#!/usr/bin/busybox sh
# The first process of the machine under systemd: makes the root a mount like any other, because nothing can
# pivot_root out of the kernel's own, and hands over.
/usr/bin/busybox mkdir -p /new
/usr/bin/busybox mount -o bind / /new
cd /new
/usr/bin/busybox mount --move . /
exec /usr/bin/busybox chroot . /usr/lib/systemd/systemd
