#!/usr/bin/env python3
"""Records which system calls the workloads make in their jails: runs each case of a test program under strace.

  tests/workloads/record.py --output tests/workloads/calls.txt build/release/bin/workloads_test --also NAME=COMMAND

Only what a process asks after its filter was loaded counts, and what its children ask. A line is a call, the
arguments that a rule compares (as numbers), the error it got if that may have been the filter's, and who asked."""

import argparse
import collections
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# How many arguments lib/sandbox/seccomp_arguments.cpp looks at. Of clone it is the namespaces, which nobody asks for.
COMPARED = {"ioctl": 2, "prctl": 1, "socket": 3, "socketpair": 2, "prlimit64": 3, "setrlimit": 1}
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$")
CHILD = re.compile(r"= (\d+)(?: /\* (\d+) in strace's PID NS \*/)?$")
FLAGS = 0o2004000  # SOCK_CLOEXEC and SOCK_NONBLOCK, which every rule of sockets allows
ANY_LIMIT = 16     # RLIM_NLIMITS: reading a limit is one rule for all of them, setting one is a rule each


def trace(command):
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        done = subprocess.run(["strace", "-f", "-q", "--decode-pids=pidns", "-e", "raw=" + ",".join(COMPARED),
                               "-o", log, *command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return list(whole(log.read_text(errors="replace").splitlines()))


def whole(lines):
    """(pid, call, the rest) of each call; one that another process interrupted in the log is put together."""
    begun = {}
    for match in filter(None, map(LINE.match, lines)):
        pid, call, rest = match.groups()
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest[:-len("<unfinished ...>")]
        else:
            yield pid, call, begun.pop(pid, "") + rest


def jailed(calls):
    """The calls of processes with a filter, and of their descendants."""
    parents, filtered = {}, {}
    for number, (pid, call, rest) in enumerate(calls):
        child = call in ("clone", "clone3", "fork", "vfork") and CHILD.search(rest)
        if child:
            parents[child.group(2) or child.group(1)] = pid
        if call == "seccomp" and "SECCOMP_SET_MODE_FILTER" in rest and rest.endswith("= 0"):
            filtered[pid] = number
    for number, found in enumerate(calls):
        above = pid = found[0]
        while above in parents and above not in filtered:
            above = parents[above]
        if above in filtered and (above != pid or number > filtered[pid]):
            yield found


def observed(calls):
    """(call, the compared arguments, errno if it was refused) of each."""
    for _, call, arguments in calls:
        values = [value.strip(" )") for value in arguments.split(",")]
        shown = [int(values[i].split(")")[0], 16) for i in range(COMPARED.get(call, 0))]
        if call == "ioctl":
            shown[0] = 0  # which descriptor
        if call in ("socket", "socketpair"):
            shown[1] &= ~FLAGS
        if call == "prlimit64":
            shown = [shown[0], shown[1], 1] if shown[2] else [shown[0], ANY_LIMIT, 0]
        refused = re.search(r"= -1 (EPERM|ENOSYS|EOPNOTSUPP) ", arguments)
        # What rt_sigreturn returns is the answer of the call before the signal.
        yield call, tuple(shown), refused.group(1) if refused and call != "rt_sigreturn" else ""


def cases(program):
    listed = subprocess.run([program, "-ltc"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if name and not name.startswith(("[doctest]", "==="))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("program", help="a doctest program; each of its cases is one workload")
    parser.add_argument("--also", metavar="NAME=COMMAND", action="append", default=[], help="another workload; repeatable")
    args = parser.parse_args()
    who = collections.defaultdict(set)
    commands = {}
    for case in cases(args.program):
        name = next(word for word in re.sub(r"^an? (program (of|on) )?(the )?", "", case).split(" ")).strip(",")
        commands[re.sub(r"'s$", "", name).lower()] = [args.program, "--test-case=" + case.replace(",", "\\,")]
    commands.update((name, shlex.split(command)) for name, _, command in (also.partition("=") for also in args.also))
    for name, command in commands.items():
        print(f"{name}: {shlex.join(command)}")
        for what in observed(jailed(trace(command))):
            who[what].add(name)
    with args.output.open("w") as out:
        out.write("# Which workload asked the kernel for what in its jail. Written by record.py; judged by "
                  "tests/sandbox/seccomp_test.cpp.\n")
        for (call, shown, refused), names in sorted(who.items()):
            words = [call, *map(hex, shown)] + ([refused] if refused else [])
            out.write(f"{' '.join(words)}: {' '.join(sorted(names))}\n")


if __name__ == "__main__":
    main()
