#!/usr/bin/env python3
"""What scripts/bench reads of processes, and what it makes of it."""

import os
import unittest

import posture
import processes
import report

MOUNTS = """31 24 0:27 / / ro,nosuid shared:12 master:3 - tmpfs tmpfs rw,size=1024k,uid=%d,gid=%d
32 31 254:0 /tmp/faas-bench-%s/native /var/task ro,nodev - ext4 /dev/vda rw
33 31 0:%d / /proc rw - proc proc rw,subset=pid
"""


def stat(pid, parent, name, ticks, state="S"):
    return processes.Process(f"{pid} ({name}) {state} {parent} " + "0 " * 9 + " ".join(str(t) for t in ticks) + " 0")


TREE = [stat(1, 0, "init", (9, 9, 9, 9)), stat(10, 1, "bench", (1, 2, 3, 4)), stat(11, 10, "a ) b", (5, 0, 0, 0)),
        stat(12, 11, "program", (0, 1, 0, 0)), stat(13, 1, "other", (7, 7, 7, 7))]


class Looks(unittest.TestCase):
    def test_another_instance_of_the_same_jail_has_the_same_lines(self):
        one = posture.mount_lines(MOUNTS % (100256, 100256, "abc", 41))
        other = posture.mount_lines(MOUNTS % (100512, 100512, "xyz", 52))
        self.assertEqual(one, other)
        self.assertEqual(posture.digest(one), posture.digest(other))
        self.assertEqual(posture.map_lines("uid", "  1000 100256 1\n"), posture.map_lines("uid", "1000 100512 1"))

    def test_a_mount_that_may_be_written_is_another_posture(self):
        text = MOUNTS % (1, 1, "abc", 41)
        self.assertNotEqual(posture.mount_lines(text), posture.mount_lines(text.replace("ro,nodev", "rw,nodev")))
        self.assertNotEqual(posture.digest(["Seccomp 2"]), posture.digest(["Seccomp 0"]))

    def test_where_a_rival_keeps_its_root_is_no_posture(self):
        text = "9 8 254:0 /tmp/faas-bench-%s/bundle / ro - ext4 disk rw"
        self.assertEqual(posture.mount_lines(text % "abc"), posture.mount_lines(text % "xyz"))

    def test_the_order_of_mounts_counts_on_one_point_only(self):
        first, second, third = (MOUNTS % (1, 1, "abc", 41)).splitlines()
        over = first.replace("ro,nosuid", "rw")
        self.assertEqual(posture.mount_lines("\n".join([first, second, third])),
                         posture.mount_lines("\n".join([third, first, second])))
        self.assertNotEqual(posture.mount_lines(f"{first}\n{over}"), posture.mount_lines(f"{over}\n{first}"))

    def test_a_map_of_more_ids_is_another_posture(self):
        self.assertNotEqual(posture.map_lines("uid", "0 100256 1"), posture.map_lines("uid", "0 100256 65536"))

    def test_a_namespace_is_the_hosts_or_its_own(self):
        lines = posture.namespace_lines({"net": "net:[1]", "pid": "pid:[2]"}, {"net": "net:[1]", "pid": "pid:[3]"})
        self.assertEqual(lines, ["namespace net host", "namespace pid own"])

    def test_this_process_can_be_read(self):
        lines = posture.read(os.getpid())
        self.assertIn("namespace net host", lines)
        self.assertTrue(any(line.startswith("mount / ") for line in lines))

    def test_a_tree_has_what_descends_from_its_roots_and_nothing_else(self):
        found = {process.pid: depth for process, depth in processes.tree({10}, TREE)}
        self.assertEqual(found, {10: 0, 11: 1, 12: 2})

    def test_a_process_used_what_those_it_waited_for_used(self):
        self.assertEqual(TREE[1].ticks, 10)
        self.assertEqual(TREE[2].name, "a ) b")

    def test_one_function_held_in_two_ways_is_told_with_the_difference(self):
        def row(name, lines):
            look = {"posture": posture.digest(lines), "posture_lines": lines}
            return {"name": name, "function": "hello", "looks": {"ours": look}}
        same = [row("a", ["Seccomp 2"]), row("b", ["Seccomp 2"])]
        self.assertEqual(report.unlike_postures(same), [])
        self.assertEqual(report.unlike_postures([*same, row("c", ["Seccomp 0"])]),
                         ["'hello' is not held alike in a and c: -Seccomp 2; +Seccomp 0"])


if __name__ == "__main__":
    unittest.main()
