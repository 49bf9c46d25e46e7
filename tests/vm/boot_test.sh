#!/usr/bin/busybox sh
# The machine itself: cgroup v2 has its controllers and they bite.
set -e
cd /sys/fs/cgroup
for controller in cpu memory pids; do grep -qw $controller cgroup.controllers; done
echo "+memory +pids +cpu" >cgroup.subtree_control
mkdir probe
echo 8 >probe/pids.max
forked=$(sh -c 'echo $$ >probe/cgroup.procs
  for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo started' 2>&1 || true)
case $forked in *"can't fork"*) echo "pids.max: refused" ;; *) echo "pids.max: not refused: $forked"; exit 1 ;; esac
echo 1 >probe/cgroup.kill
while grep -q "populated 1" probe/cgroup.events; do sleep 0.1; done
rmdir probe
[ -e /proc/pressure/cpu ]
echo "pressure: there"
