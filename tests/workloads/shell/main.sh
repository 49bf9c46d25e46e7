#!/bin/bash
# What shell scripts do, with the tools of Debian's essential packages: each part prints one line.
set -eu
export LC_ALL=C
cd /tmp
mkdir -p a/b
printf '%s\n' three one two >a/list
(umask 077; head -c 200000 /dev/zero >a/zeros)
ln -s list a/link
ln a/list a/hard
mkfifo fifo
touch -d @1000000000 a/list
chmod 640 a/list
chown "$(id -u):$(id -g)" a/list

cp -a a copy
mv copy/list copy/renamed
install -m 755 a/list installed
truncate -s 100 copy/zeros
dd if=a/zeros of=dd bs=4096 count=4 conv=fsync status=none
sync dd
echo "files: $(find copy | sort | tr '\n' ' ')$(stat -c '%a %Y %s' a/list) $(wc -c <dd)"

tar -cf a.tar a
gzip -k a.tar
mkdir out
tar -xzpf a.tar.gz -C out
echo "archive: $(cd out && find . -type f | sort | tr '\n' ' ')$(cmp a/zeros out/a/zeros && echo same) $(sha256sum <a/list | cut -c1-8)"

(sleep 0.1; echo late >fifo) &
read -r line <fifo
wait
trap 'caught=USR1' USR1
kill -USR1 $$
(trap 'echo ended >term; exit' TERM; while :; do sleep 0.05; done) &
sleep 0.2
kill "$!"
wait "$!" || true
{
  set -m  # a process group of its own
  sleep 60 &
  kill -- "-$!"
  wait "$!" || status=$?
  set +m
} 2>/dev/null
echo "jobs: $line $caught $status $(timeout 0.1 sleep 60 || echo "timed out $?") $(nice -n 19 nice) $(nohup echo nohup 2>/dev/null)"

echo "text: $(sort a/list | tr '\n' ' ')$(sed -n 's/t\(.*\)/\1/p' a/list | tr '\n' ' ')$(awk '{ n += length } END { print n }' a/list) $(grep -c o a/list) $(echo äö | LC_ALL=C.UTF-8 wc -m)"
echo "system: $(uname -s) $(id -un) $(pwd) $(ulimit -S -s 4096; ulimit -s) $(df --output=target /tmp | tail -n 1) $( [ -t 0 ] || echo no terminal) $(ls -la a | wc -l) $(seq 1 100000 | tail -n 1)"
diff a/list installed && perl -e 'print "perl: ", join(" ", map { $_ * 2 } 1..3), " ", `echo from a child`'
flock a/list echo "lock: held"
rm -rf a copy out
(for limit in -d -v -t -f -u; do ulimit -S $limit "$(ulimit -H $limit)"; done; echo "limits: lowered")
echo "left: $(echo *)"
