#!/usr/bin/env python3
"""Takes one layer of the jail away at a time, builds, runs the tests, and wants one of them to fail.

A layer that no test misses is either not needed or not tested. Works in a copy of the tree; each
change must apply exactly once, so that the list stays true while the code changes. Prints the matrix:
layer, and the tests that missed it. Exit status 0: each layer was missed by a test.

What compares the plan as text is left out: it misses everything, and says nothing about a jail. The
memory watch is not on the list: without it, its own test would fill the machine."""

import argparse
import contextlib
import dataclasses
import fcntl
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PLAN = "lib/sandbox/plan.cpp"
PROGRAM = "lib/sandbox/plan_program.cpp"
ROOT = "lib/sandbox/plan_root.cpp"
GROUPS = "lib/sandbox/cgroups.cpp"
JAIL = "lib/sandbox/spawner/jail.cpp"
SPAWNER = "lib/sandbox/spawner/main.cpp"
START = "lib/sandbox/spawner/start.cpp"
NETWORK = "lib/sandbox/plan_network.cpp"


@dataclasses.dataclass
class Layer:
    name: str
    edits: list  # (file, text that is there exactly once, what stands there instead)
    vm: bool = False  # only a kernel with cgroup v2 has it


def without(name, file, text, instead="", vm=False):
    return Layer(name, [(file, text, instead)], vm)


LAYERS = [
    without("seccomp filter", PROGRAM, """  b.step("seccomp", FAAS_CALL(seccomp),
         {FAAS_N(SECCOMP_SET_MODE_FILTER), number(0), FilterArg{b.spec.seccomp}});
"""),
    without("seccomp: other architectures killed", "lib/sandbox/seccomp.cpp",
            "{{0, kKill}, {ours, number}, {ours + 1, kKill}}",
            "{{0, kAllow}, {ours, number}, {ours + 1, kAllow}}"),
    without("user namespace", PLAN, "CLONE_NEWUSER | CLONE_NEWPID", "CLONE_NEWPID"),
    without("pid namespace", PLAN, "CLONE_NEWPID | CLONE_NEWNS", "CLONE_NEWNS"),
    without("mount namespace", PLAN, "CLONE_NEWNS | CLONE_NEWNET", "CLONE_NEWNET"),
    without("network namespace", PLAN, "CLONE_NEWNET | CLONE_NEWIPC", "CLONE_NEWIPC"),
    without("ipc namespace", PLAN, "CLONE_NEWIPC |\n", "\n"),
    without("uts namespace", PLAN, "CLONE_NEWUTS | CLONE_NEWCGROUP", "CLONE_NEWCGROUP"),
    without("cgroup namespace", PLAN, "CLONE_NEWUTS | CLONE_NEWCGROUP", "CLONE_NEWUTS"),
    without("one uid for each jail", "lib/sandbox/sandbox.cpp",
            "plans.get(spec, facts, jail.uid.value_or(facts.uid), jail.uid.value_or(facts.gid), pause);",
            "plans.get(spec, facts, 100'000'000, 100'000'000, pause);"),
    without("setgroups denied", PLAN,
            """  write_jail_file(b, "open-setgroups", "deny-setgroups", "setgroups", "deny");\n"""),
    without("capabilities dropped", PROGRAM, """  b.step("drop-capabilities", FAAS_CALL(capset),
         {structure(header, "{version 3, self}"), structure(none, "{}")});
""", "  (void)header, (void)none;\n"),
    without("bounding set dropped", PROGRAM, "c <= b.host.last_capability", "c < 1"),
    without("no_new_privs", PROGRAM, "FAAS_N(PR_SET_NO_NEW_PRIVS), number(1)",
            "FAAS_N(PR_GET_NO_NEW_PRIVS), number(0)"),
    without("/tmp: size", ROOT, "fmt::format(\"mode=1777,size={},nr_inodes={}\", b.spec.tmp.count, inodes)",
            "fmt::format(\"mode=1777,size={},nr_inodes={}\", 2 * b.spec.tmp.count, inodes)"),
    without("/tmp: inodes", ROOT, "fmt::format(\"mode=1777,size={},nr_inodes={}\", b.spec.tmp.count, inodes)",
            "fmt::format(\"mode=1777,size={},nr_inodes={}\", b.spec.tmp.count, 2 * inodes)"),
    without("/tmp: nosuid, nodev", ROOT,
            "std::string(\"tmp\"), std::string(\"tmpfs\"), FAAS_N(MS_NOSUID | MS_NODEV)",
            "std::string(\"tmp\"), std::string(\"tmpfs\"), number(0)"),
    without("host trees: read-only", ROOT,
            "mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,\n"
            "                           \"RDONLY|NOSUID|NODEV\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach",
            "mount_attributes(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, \"\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach"),
    without("host trees: nosuid", ROOT,
            "mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,\n"
            "                           \"RDONLY|NOSUID|NODEV\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach",
            "mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, \"\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach"),
    without("host trees: nodev", ROOT,
            "mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,\n"
            "                           \"RDONLY|NOSUID|NODEV\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach",
            "mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, \"\"),\n"
            "          number(sizeof(struct mount_attr))});\n}\n\nvoid attach"),
    without("root: read-only", ROOT, """  b.step("read-only-root", FAAS_CALL(mount_setattr),
         {FAAS_N(AT_FDCWD), std::string("/"), number(0),
          mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                           "RDONLY|NOSUID|NODEV"),
          number(sizeof(struct mount_attr))});
"""),
    without("devices looked at before use", ROOT, "check.expected = makedev(kMemoryDevices, d.minor);",
            "check.check = wire::Check::done;"),
    without("host root detached", ROOT,
            """  b.step("unmount-host", FAAS_CALL(umount2), {std::string("."), FAAS_N(MNT_DETACH)});\n"""),
    without("proc: subset", ROOT, "std::string(\"subset=pid,hidepid=invisible\")",
            "std::string(\"hidepid=invisible\")"),
    without("proc: hidepid", ROOT, "std::string(\"subset=pid,hidepid=invisible\")",
            "std::string(\"subset=pid\")"),
    Layer("files closed (all three ranges)", [
        (PROGRAM, """  b.step("close-files", FAAS_CALL(close_range), {number(channel ? 4 : 3), FAAS_N(~0u), number(0)});\n""", ""),
        (ROOT, "std::string(\"proc\"), FAAS_N(O_RDONLY | O_DIRECTORY | O_CLOEXEC)",
         "std::string(\"proc\"), FAAS_N(O_RDONLY | O_DIRECTORY)")]),
    without("pid 1 closes what it does not need", JAIL, "&&\n         syscall(SYS_close_range, 4u, ~0u, 0) == 0", ""),
    without("pid 1 closes the spawner's files", JAIL,
            "if (!close_strangers(start)) fail(start, \"close-strangers\", errno);", "(void)close_strangers;"),
    without("pid 1 not dumpable", PLAN, "{FAAS_N(PR_SET_DUMPABLE), number(0)}",
            "{FAAS_N(PR_SET_DUMPABLE), number(1)}"),
    without("session of its own", PROGRAM, """  b.step("new-session", FAAS_CALL(setsid), {});\n"""),
    without("core limit 1", PROGRAM, "FAAS_N(RLIMIT_CORE), 1);", "FAAS_N(RLIMIT_CORE), 0);"),
    without("limit of files", PROGRAM, """  limit(b, "limit-files", FAAS_N(RLIMIT_NOFILE), b.spec.open_files);\n"""),
    without("limit of processes", PROGRAM, "b.spec.processes + beyond", "2 * b.spec.processes + beyond"),
    without("limit of private memory, degraded", PROGRAM,
            "b.host.memory_controller ? kNone : b.spec.memory.count", "kNone"),
    without("oom score", PLAN,
            """  write_jail_file(b, "open-oom-score", "oom-score", "oom_score_adj", "1000");\n"""),
    without("listener made before the program", NETWORK, "address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);",
            "address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);"),
    without("dies with its spawner", PLAN, """  // Again: a change of ids clears it. If the spawner died before this, the next read or write on
  // the report socket fails, and no byte of the function runs.
  b.step("die-with-spawner", FAAS_CALL(prctl), {FAAS_N(PR_SET_PDEATHSIG), FAAS_N(SIGKILL)});
"""),
    without("spawner sealed", "lib/sys/memfd.cpp",
            "int const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;",
            "int const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;"),
    without("clean environment", "lib/sys/process.cpp", "char const* envp[] = {nullptr};",
            "char const* envp[] = {\"LEAK=1\", nullptr};"),
    without("a jail's report is watched from before it exists", START,
            "} else if (!watch_fd(start.own_report, Source::report, index)) {",
            "} else if (watch_fd(start.own_report, Source::report, index), false) {"),
    without("the program's pid comes from the kernel", START,
            "return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;",
            "return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), true;"),
    without("what cannot be said to the library ends the spawner", SPAWNER, "if (sent < 0) end_all();", ""),
    without("what cannot be heard of a jail ends the spawner", SPAWNER,
            "if (n < 0) end_all();\n  if (n != sizeof report)", "if (n != sizeof report)"),
    without("a start without its descriptors is refused", START,
            "bool const whole = !missing(start.head.fds, count);", "bool const whole = true;"),
    without("a jail that cannot be watched is ended", SPAWNER, "if (!missing(flags, count)) return;",
            "if (count >= 0) return;"),
    without("a cgroup that cannot be opened is an error", GROUPS,
            "if (!group) {  // no descriptor free", "if (false) {  // no descriptor free"),
    without("pid 1 that cannot close ends", JAIL,
            "if (!keep_report_only(start.jail_report) || !send_report(3, report)) _exit(kRanUntold);",
            "if (!(keep_report_only(start.jail_report), send_report(3, report))) _exit(kRanUntold);"),
    without("pid 1 that is not heard ends", JAIL,
            "if (!keep_report_only(start.jail_report) || !send_report(3, report)) _exit(kRanUntold);",
            "if (!keep_report_only(start.jail_report)) _exit(kRanUntold);\n  send_report(3, report);"),
    without("a new spawner forgets its host, or ends", "lib/sandbox/spawner/forget.cpp", "if (!done) _exit(2);", "if (!done) return;"),
    without("a new spawner closes its host's files, or ends", "lib/sys/process.cpp",
            "if (::syscall(SYS_close_range, image + 1, ~0u, 0) != 0) fail();",
            "::syscall(SYS_close_range, image + 1, ~0u, 0);"),
    without("root's groups are given up", PLAN,
            """    b.step("no-groups", FAAS_CALL(setgroups), {number(0), number(0)});\n"""),
    without("born in its cgroup", START, "args.flags |= CLONE_INTO_CGROUP;", ""),
    without("pids.max", GROUPS, "if (done && controllers_.pids) done = set(",
            "if (done && controllers_.pids && spec.processes == 0) done = set(", vm=True),
    without("memory.max", GROUPS, "done = set(\"memory.max\", std::to_string(spec.memory.count + spec.tmp.count));",
            "done = set(\"memory.max\", \"max\");", vm=True),
    without("memory.oom.group", GROUPS, "if (done) done = set(\"memory.oom.group\", \"1\");", "", vm=True),
    without("memory.swap.max", GROUPS, "done = set(\"memory.swap.max\", \"0\");", "done = Result<void>();", vm=True),
]

NOTHING = "nothing"  # goes first: with every layer in place, no test may fail

# The plan as text is compared in these files; see above.
TEXT = "*plan_test.cpp,*encode_test.cpp"
PROGRAMS = ["sandbox_test", "sandbox_controls_test", "sandbox_sweep_test", "corpus_test"]


def copy_tree(root, scratch):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, scratch / name)


class Tree:
    def __init__(self, root, arguments):
        self.root, self.arguments = root, arguments
        self.build = root / "build/release"
        self.mutants = self.build / "mutants"

    def configure(self):
        options = ["-DFAAS_EXAMPLES=OFF", "-DFAAS_BENCH=OFF", "-DFAAS_WERROR=OFF"]
        if self.arguments.kernel:
            options.append(f"-DFAAS_VM_KERNEL={self.arguments.kernel.resolve()}")
        if not self.arguments.here:
            subprocess.run(["cmake", "--preset", "release", *options], cwd=self.root, check=True,
                           stdout=subprocess.DEVNULL)
        known = subprocess.run(["ninja", "-C", self.build, "-t", "targets", "all"], check=True,
                               capture_output=True, text=True).stdout
        self.programs = [p for p in self.arguments.programs or PROGRAMS if f"bin/{p}:" in known]

    def make(self, vm, name):
        """Builds what is needed; the programs are kept under that name."""
        targets = ["jail_vm_test", "vm_victim"] if vm else self.programs
        done = subprocess.run(["nice", "cmake", "--build", str(self.build), f"-j{self.arguments.jobs}",
                               "--target", *targets], cwd=self.root, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"break: the build failed\n{done.stdout[-3000:]}")
        kept = self.mutants / name
        kept.mkdir(parents=True, exist_ok=True)
        for target in targets:
            built = next(p for p in (self.build / "bin" / target, self.build / "vm" / target) if p.exists())
            shutil.copy2(built, kept / target)

    def failing(self, vm, name):
        """Names of the tests that fail with the programs of that name, which go."""
        kept = self.mutants / name
        names = []
        if vm:
            command = [sys.executable, "tests/vm/run.py", "--kernel", str(self.arguments.kernel),
                       "--timeout", str(self.arguments.timeout), "--program", str(kept / "jail_vm_test"),
                       "--helper", str(kept / "vm_victim")]
            names = self.failing_in(command)
        for program in [] if vm else self.programs:
            names += self.failing_in([str(kept / program), "-tse=user", f"-sfe={TEXT}"])
            if names and not self.arguments.all:
                break
        shutil.rmtree(kept)
        return names

    def failing_in(self, command):
        try:
            run = subprocess.run(command, cwd=self.root, capture_output=True, text=True, errors="replace",
                                 timeout=self.arguments.timeout + 60)
        except subprocess.TimeoutExpired:
            return ["(never ended)"]
        if run.returncode == 0:
            return []
        names = []
        for case, text in re.findall(r"TEST CASE:\s+(.*?)\n(.*?)(?=\n={20}|\Z)", run.stdout, re.S):
            if "ERROR" in text and case.strip() not in names:
                names.append(case.strip())
        return names or [f"(exit status {run.returncode})"]


def changed(root, edits):
    """{file: its text with these edits}."""
    texts = {}
    for name, old, new in edits:
        text = texts.get(name) or (root / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{name} has {text.count(old)} times what should be there once:\n{old}")
        texts[name] = text.replace(old, new)
    return texts


@contextlib.contextmanager
def broken(root, layer):
    texts = changed(root, layer.edits)
    before = {name: (root / name).read_text(encoding="utf-8") for name in texts}
    try:
        for name, text in texts.items():
            (root / name).write_text(text, encoding="utf-8")
        yield
    finally:
        for name, text in before.items():
            (root / name).write_text(text, encoding="utf-8")


def check_list(root):
    wrong = []
    for layer in LAYERS:
        try:
            changed(root, layer.edits)
        except ValueError as error:
            wrong.append(f"{layer.name}: {error}")
    if wrong:
        sys.exit("break: the list is not true any more\n" + "\n".join(wrong))


@contextlib.contextmanager
def lock(path):
    if path is None:
        yield
        return
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def matrix(tree, layers):
    """Prints it, and gives the names of the layers that no test missed."""
    survivors = []
    size = tree.arguments.batch
    for vm in sorted({layer.vm for layer in layers}, reverse=True):
        layers.insert(0, Layer(NOTHING, [], vm))
    for first in range(0, len(layers), size):
        batch = layers[first:first + size]
        with lock(tree.arguments.lock):
            for number, layer in enumerate(batch):
                with broken(tree.root, layer):
                    tree.make(layer.vm, str(number))
        for number, layer in enumerate(batch):
            names = tree.failing(layer.vm, str(number))
            if layer.name == NOTHING:
                if names:
                    sys.exit(f"break: fails with every layer in place: {', '.join(names)}")
                continue
            print(f"{layer.name} | {len(names)} | {'; '.join(names[:5]) or 'SURVIVED'}", flush=True)
            if not names:
                survivors.append(layer.name)
    return survivors


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX", default="", help="layers whose name matches")
    parser.add_argument("--vm", action="store_true", help="also the layers that need the virtual machine")
    parser.add_argument("--kernel", type=pathlib.Path, help="the virtual machine's kernel (see tests/vm)")
    parser.add_argument("--all", action="store_true", help="run all programs, not up to the first that fails")
    parser.add_argument("--programs", nargs="+", metavar="NAME", help="run these test programs")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="build N mutants, then run them")
    parser.add_argument("--lock", metavar="FILE", help="build under this lock")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="for one program")
    parser.add_argument("--here", action="store_true", help="in this tree and its build, not in a copy")
    parser.add_argument("--list", action="store_true", help="check that each change applies once, and name it")
    return parser.parse_args()


def main():
    arguments = parse()
    root = pathlib.Path(__file__).resolve().parents[2]
    check_list(root)
    if arguments.list:
        return print("\n".join(layer.name for layer in LAYERS))
    layers = [l for l in LAYERS if re.search(arguments.only, l.name) and (arguments.vm or not l.vm)]
    with tempfile.TemporaryDirectory() as temporary:
        scratch = root if arguments.here else pathlib.Path(temporary).resolve()
        if scratch != root:
            copy_tree(root, scratch)
        tree = Tree(scratch, arguments)
        tree.configure()
        survivors = matrix(tree, layers)
    sys.exit(f"break: no test misses {', '.join(survivors)}" if survivors else 0)


if __name__ == "__main__":
    main()
