#!/bin/busybox sh
# The first process of the virtual machine, twice: from the initramfs it moves everything to a tmpfs,
# because pivot_root cannot leave the kernel's own rootfs; from there it runs the tests and powers off.
if [ ! -e /moved ]; then
  /bin/busybox mount -t tmpfs -o mode=755 root /new
  /bin/busybox cp -a /bin /usr /etc /dev /init /tests /new/
  cd /new
  /bin/busybox ln -s usr/lib lib
  /bin/busybox ln -s usr/lib64 lib64
  /bin/busybox ln -s usr/sbin sbin
  /bin/busybox mkdir -p proc sys tmp run var/task root usr/lib usr/lib64 usr/sbin
  /bin/busybox chmod 1777 tmp
  : >moved
  exec /bin/busybox switch_root /new /init
fi

export PATH=/usr/bin:/usr/sbin HOME=/root
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /usr/bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs tmp /tmp
ip link set lo up

# Results have a line of their own; the first one shows the kernel and how programs fare.
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw
echo "@@ booted $(uname -r): $(cat /sys/fs/cgroup/cgroup.controllers)"
for test in /tests/*; do
  echo "@@ begin ${test##*/}"
  "$test" $(cat /etc/test-arguments) </dev/null
  status=$?
  echo
  echo "@@ end ${test##*/} $status"
done
echo "@@ done"
poweroff -f
