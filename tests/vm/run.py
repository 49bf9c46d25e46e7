#!/usr/bin/env python3
"""Boots Debian's cloud kernel in an emulated machine and runs static test programs as its only users.

There the kernel has cgroup v2 with every controller, whatever the host has. Programs are doctest ones
(their XML report is read) or plain ones (their exit status counts)."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import initramfs

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
import case_log  # noqa: E402
BUSYBOX = pathlib.Path("/bin/busybox")


def image(folder, programs, helpers, arguments):
    busybox = BUSYBOX.read_bytes()
    fs = initramfs.Initramfs()
    for name in ("bin", "usr", "usr/bin", "dev", "etc", "new", "tests"):
        fs.folder(name)
    fs.device("dev/console", 5, 1)
    fs.file("usr/bin/busybox", busybox)
    fs.link("bin/busybox", "/usr/bin/busybox")
    fs.file("init", (HERE / "init.sh").read_bytes())
    fs.file("etc/test-arguments", f"{arguments}\n".encode(), 0o644)
    fs.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\nhost:x:1000:1000::/tmp:/bin/sh\n", 0o644)
    for program in programs:
        fs.file(f"tests/{program.name}", program.read_bytes())
    for helper in helpers:
        fs.file(f"usr/bin/{helper.name}", helper.read_bytes())
    path = folder / "initramfs"
    fs.write(path)
    return path


def boot(args, folder):
    """Returns what the machine said, and why it was stopped (None: it powered off)."""
    results = folder / "results"
    arguments = "" if args.plain else "-r=xml --no-intro=true"
    if args.only:
        # A wildcard for what a shell and doctest would split at.
        arguments += " --test-case=" + re.sub("[ ,]", "*", args.only)
    console = folder / "console"
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", str(args.memory), "-smp", "2",
        "-kernel", str(args.kernel), "-initrd", str(image(folder, args.program, args.helper, arguments)),
        "-append", "console=ttyS0 quiet panic=-1 cgroup_no_v1=all psi=1 rdinit=/init mitigations=off",
        "-display", "none", "-nodefaults", "-no-reboot", "-nic", "none",
        "-serial", f"file:{console}", "-serial", f"file:{results}",
    ]
    for index, size in enumerate(args.disk):
        disk = folder / f"disk{index}"
        with disk.open("wb") as file:
            file.truncate(size << 20)  # sparse
        # NVMe, whose driver the cloud kernel has built in.
        command += ["-drive", f"file={disk},if=none,id=disk{index},format=raw,cache=unsafe",
                    "-device", f"nvme,serial=disk{index},drive=disk{index}"]
    try:
        done = subprocess.run(command, timeout=args.timeout, capture_output=True, text=True)
        stopped = None if done.returncode == 0 else f"qemu: status {done.returncode}: {done.stderr}"
    except subprocess.TimeoutExpired:
        stopped = f"no power-off within {args.timeout} s"
    read = lambda path: path.read_text(errors="replace").replace("\r", "") if path.exists() else ""
    return read(results), read(console), stopped


def cases(report):
    """(file, name, passed, why) of each case of a doctest XML report."""
    found = re.search(r"<doctest.*?</doctest>", report, re.S)
    if not found:
        return []
    listed = []
    for case in xml.etree.ElementTree.fromstring(found.group(0)).iter("TestCase"):
        totals = case.find("OverallResultsAsserts")
        if totals is None:
            continue  # skipped by a filter
        why = [f"{e.get('filename', '')}:{e.get('line', '')}: {' '.join(''.join(e.itertext()).split())}"
               for e in list(case.iter("Expression")) + list(case.iter("Message"))
               if e.get("success") == "false" or e.tag == "Message"]
        why += [f"exception: {e.text.strip()}" for e in case.iter("Exception") if e.text]
        listed.append((case.get("filename"), case.get("name"), totals.get("test_case_success") == "true", why))
    return listed


def judge(args, said):
    """Prints a line for each case; returns the problems."""
    problems = []
    for program in args.program:
        part = re.search(rf"^@@ begin {re.escape(program.name)}\n(.*?)^@@ end {re.escape(program.name)} (\d+)$",
                         said, re.S | re.M)
        if not part:
            problems.append(f"{program.name}: did not run to its end")
            continue
        report, status = part.group(1), int(part.group(2))
        for line in re.findall(r"^SKIP: .*$", report, re.M):
            print(line)
        listed = cases(report)
        for file, name, passed, why in listed:
            skipped = f"\nSKIP: {name}: " in "\n" + report
            case_log.append("FAIL" if not passed else "skip" if skipped else "pass", file, name)
            print(f"{'pass' if passed else 'FAIL'}  {name}")
            for line in why:
                print(f"      {line}")
            if not passed:
                problems.append(f"{program.name}: {name}")
        if not args.plain and not listed:
            problems.append(f"{program.name}: reported no test case")
        if args.plain:
            print(report, end="")
        if status and not problems:
            problems.append(f"{program.name}: exit status {status}")
    for pattern in args.expect:
        if not re.search(pattern, said):
            problems.append(f"nothing said '{pattern}'")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", type=pathlib.Path, required=True)
    parser.add_argument("--program", type=pathlib.Path, action="append", required=True, help="static; repeatable")
    parser.add_argument("--helper", type=pathlib.Path, action="append", default=[], help="put into /usr/bin; repeatable")
    parser.add_argument("--disk", type=int, action="append", default=[],
                        help="MiB of an empty disk, /dev/nvme0n1 and so on; repeatable")
    parser.add_argument("--plain", action="store_true", help="the programs are not doctest ones")
    parser.add_argument("--expect", action="append", default=[], help="a pattern that must be said; repeatable")
    parser.add_argument("--only", help="doctest's filter of cases, for one run by hand")
    parser.add_argument("--timeout", type=int, default=300, help="seconds until the machine is ended")
    parser.add_argument("--memory", type=int, default=1536, help="MiB of the machine")
    args = parser.parse_args()
    for what, there in [("qemu-system-x86_64", shutil.which("qemu-system-x86_64")),
                        (str(args.kernel), args.kernel.exists()), (str(BUSYBOX), BUSYBOX.exists())]:
        if not there:
            print(f"SKIP: vm: {what} is missing (scripts/setup --tests=2)")
            return 1 if os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1" else 77
    with tempfile.TemporaryDirectory() as folder:
        said, console, stopped = boot(args, pathlib.Path(folder))
    print("\n".join(re.findall(r"^@@ booted.*$", said, re.M)))
    problems = judge(args, said) + ([stopped] if stopped else [])
    if problems:
        print("--- the machine said:", said, "--- its console:", console[-4000:], "---", *problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
