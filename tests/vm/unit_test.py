#!/usr/bin/env python3
"""The three example functions, called through a faasd that systemd started by its unit, in a machine that has
systemd as its first process. The machine's /usr is what these programs need of the host's."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import initramfs

HERE = pathlib.Path(__file__).parent
SYSTEMD = pathlib.Path("/usr/lib/systemd/systemd")
UNITS = pathlib.Path("/usr/lib/systemd/system")
TARGETS = ("sysinit basic shutdown umount final local-fs local-fs-pre swap paths slices sockets timers multi-user "
           "emergency poweroff").split()
NOT_NEEDED = {"test", "idlelib", "tkinter", "lib2to3", "ensurepip", "__pycache__", "dist-packages", "turtledemo"}
ACCOUNTS = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
CHECK = """[Unit]
After=faasd.service
[Service]
Type=oneshot
ExecStart=/check
"""
DEFAULT = """[Unit]
Wants=faasd.service check.service
"""
LOG = """[Service]
StandardOutput=append:/run/faasd.log
StandardError=append:/run/faasd.log
"""


class Tree:
    """The files of the machine, by their path; each once."""

    def __init__(self):
        self.fs = initramfs.Initramfs()
        self.made = set()

    def folder(self, path, mode=0o755):
        path = pathlib.Path(path)
        if path.name and path not in self.made:
            self.folder(path.parent)
            self.made.add(path)
            self.fs.folder(str(path).lstrip("/"), mode)

    def text(self, path, content, mode=0o644):
        self.folder(pathlib.Path(path).parent)
        self.fs.file(path.lstrip("/"), content.encode() if isinstance(content, str) else content, mode)

    def host(self, path):
        """A file of the host's at its own place, with what its links lead to."""
        path = pathlib.Path("/usr", path.relative_to("/")) if path.parts[1] in ("lib", "lib64", "bin", "sbin") else path
        path = path.parent.resolve() / path.name
        if path in self.made:
            return
        self.made.add(path)
        self.folder(path.parent)
        if path.is_symlink():
            self.fs.link(str(path)[1:], os.readlink(path))
            self.host(path.parent / os.readlink(path))
        else:
            self.fs.file(str(path)[1:], path.read_bytes(), path.stat().st_mode & 0o777)

    def programs(self, *paths):
        """With the libraries they are linked to."""
        for path in paths:
            self.host(path)
        said = subprocess.run(["ldd", *paths], capture_output=True, text=True).stdout
        for library in set(re.findall(r"(/\S+\.so[.\d]*) \(0x", said)):
            self.host(pathlib.Path(library))

    def write(self, path):
        with path.open("wb") as out:
            for inode, (name, mode, device, content) in enumerate(self.fs.entries, 1):
                out.write(initramfs.record(name, inode, mode, device, content))
            out.write(initramfs.record("TRAILER!!!", 0, 0, (0, 0), b""))


def add_interpreters(tree):
    python = next(p for p in sorted(pathlib.Path("/usr/bin").glob("python3.*")) if p.name[8:].isdigit())
    library = pathlib.Path("/usr/lib") / python.name
    for folder, names, files in os.walk(library):
        names[:] = [n for n in names if n not in NOT_NEEDED and not n.startswith("config-")]
        for name in files:
            tree.host(pathlib.Path(folder) / name)
    tree.programs(python, pathlib.Path("/usr/bin/node"), *(library / "lib-dynload").glob("*.so"))


def image(args, path):
    tree = Tree()
    for name in ("bin", "sbin", "lib", "lib64"):
        tree.folder(f"/usr/{name}")
        tree.fs.link(name, f"usr/{name}")
    for name in ("dev", "proc", "sys", "run", "root", "home", "new", "var/lib", "var/tmp", "tmp"):
        tree.folder(f"/{name}", 0o1777 if name.endswith("tmp") else 0o755)
    tree.fs.device("dev/console", 5, 1)
    tree.host(pathlib.Path("/usr/bin/busybox"))
    tree.programs(SYSTEMD, SYSTEMD.parent / "systemd-shutdown", pathlib.Path("/usr/bin/systemctl"))
    add_interpreters(tree)
    for target in TARGETS:
        tree.host(UNITS / f"{target}.target")
    faasd = args.faasd.resolve()
    said = subprocess.run(["ldd", faasd], capture_output=True, text=True).stdout
    for library in re.findall(r"(/\S+\.so[.\d]*) \(0x", said):
        tree.host(pathlib.Path(library))
    tree.text("/usr/bin/faasd", faasd.read_bytes(), 0o755)
    for function in args.functions.iterdir():
        for file in function.iterdir():
            tree.text(f"/functions/{function.name}/{file.name}", file.read_bytes(), file.stat().st_mode & 0o777)
    tree.text("/init", (HERE / "unit_init.sh").read_text(), 0o755)
    tree.text("/check", (HERE / "unit_check.sh").read_text(), 0o755)
    tree.text("/etc/passwd", ACCOUNTS)
    tree.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    tree.text("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.text("/etc/systemd/system/faasd.service", args.unit.read_text().replace("@faasd@", "/usr/bin/faasd"))
    tree.text("/etc/systemd/system/faasd.service.d/log.conf", LOG)
    tree.text("/etc/systemd/system/check.service", CHECK)
    tree.text("/etc/systemd/system/default.target", DEFAULT)
    tree.write(path)


def boot(args, folder):
    """Returns what the machine said, and its console."""
    image(args, folder / "initramfs")
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "2048", "-smp", "2", "-kernel", str(args.kernel),
        "-initrd", str(folder / "initramfs"), "-append",
        "console=ttyS0 quiet panic=-1 cgroup_no_v1=all psi=1 rdinit=/init mitigations=off systemd.log_target=console",
        "-display", "none", "-nodefaults", "-no-reboot", "-nic", "none",
        "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'results'}",
    ]
    try:
        subprocess.run(command, timeout=args.timeout, capture_output=True)
    except subprocess.TimeoutExpired:
        print(f"no power-off within {args.timeout} s")
    read = lambda name: (folder / name).read_text(errors="replace").replace("\r", "") if (folder / name).exists() else ""
    return read("results"), read("console")


EXPECTED = [
    # In the leaf of a cgroup that systemd delegated.
    r"^cgroup: 0::/system.slice/faasd.service/faasd$",
    # No filter of the unit's, or every function would have two.
    r"^daemon: CapBnd: 00000000002411e2 NoNewPrivs: 1 Seccomp: 0",
    # The restrictions hold.
    r"^sees: touch: .*/usr/x: Read-only file system$",
    r"^sees: d---------.* /root$",
    # And the functions work.
    r'^hello-cpp: \{"hello":\{"name": "unit"\},"from":"c\+\+"',
    r'^hello-python: \{"hello": ?"unit", ?"from": ?"python"',
    r'^hello-node: \{"hello":"unit","from":"node"',
    r"^slow: .*timed out after 2",
    r"^slow: .*Max Memory Used: [1-9]\d* MB",
    r"^deleted hello-node",
    r"^stopped: success inactive$",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", type=pathlib.Path, required=True)
    parser.add_argument("--faasd", type=pathlib.Path, required=True)
    parser.add_argument("--functions", type=pathlib.Path, required=True, help="the example functions, built")
    parser.add_argument("--unit", type=pathlib.Path, required=True, help="faasd.service.in")
    parser.add_argument("--timeout", type=int, default=300)
    args = parser.parse_args()
    for there, what in [(shutil.which("qemu-system-x86_64"), "qemu-system-x86_64"),
                        (args.kernel.exists(), str(args.kernel)), (SYSTEMD.exists(), str(SYSTEMD))]:
        if not there:
            print(f"SKIP: vm.unit: {what} is missing (scripts/setup --tests=2)")
            return 1 if os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1" else 77
    with tempfile.TemporaryDirectory() as folder:
        said, console = boot(args, pathlib.Path(folder))
    print(said)
    missing = [pattern for pattern in EXPECTED if not re.search(pattern, said, re.M)]
    if missing:
        print("--- the console:", console[-6000:], "--- nothing said:", *missing, sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
