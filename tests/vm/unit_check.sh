#!/usr/bin/busybox sh
# Deploys and calls the three example functions of a faasd that systemd started, and says how it stands.
/usr/bin/busybox --install -s /usr/bin
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw
trap 'echo "@@ done"; sync; echo o >/proc/sysrq-trigger; sleep 60' EXIT
echo "@@ booted $(uname -r): $(cat /sys/fs/cgroup/cgroup.controllers)"

for try in $(seq 60); do
  faasd status >/dev/null 2>&1 && break
  sleep 1
done
pid=$(systemctl show --value --property MainPID faasd.service)
echo "cgroup: $(cat /proc/$pid/cgroup)"
echo "daemon: $(grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status | tr '\t\n' '  ')"
nsenter -t $pid -m -- sh -c 'touch /usr/x 2>&1; ls -ld /root; mktemp /tmp/in-unit.XXXXXX' | sed 's/^/sees: /'
faasd doctor --url http://127.0.0.1:9000 | sed 's/^/doctor: /'

call() {  # name, runtime, handler
  faasd deploy "$1" "/functions/$1" --runtime "$2" --handler "$3" --timeout 60 --memory 512 &&
    echo "$1: $(faasd invoke "$1" --data '{"name": "unit"}')"
}
call hello-cpp provided.al2023 bootstrap
call hello-python "$(basename /usr/bin/python3.*)" app.handler
call hello-node "nodejs$(node --version | sed 's/v\([0-9]*\).*/\1/').x" index.handler
# One that has to be ended, its last memory figure, and what is deleted with its code.
mkdir /functions/slow
printf 'import time\ndef handler(event, context):\n    time.sleep(60)\n' >/functions/slow/app.py
faasd deploy slow /functions/slow --runtime "$(basename /usr/bin/python3.*)" --handler app.handler --timeout 2
echo "slow: $(faasd invoke slow --log 2>&1 | tr '\n' ' ')"
faasd delete hello-node
for group in /sys/fs/cgroup/system.slice/faasd.service/*/; do echo "leaf: $(basename $group) $(cat $group/memory.max 2>/dev/null)"; done
sed 's/^/log: /' /run/faasd.log
systemctl stop faasd
echo "stopped: $(systemctl show --value --property Result faasd.service) $(systemctl is-active faasd.service)"
