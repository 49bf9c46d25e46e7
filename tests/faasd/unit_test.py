#!/usr/bin/env python3
"""systemd takes faasd's unit as it is, and no option in it reaches the functions.

What the options do to functions is tried in the virtual machine (tests/vm/unit_test.py)."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# By systemd.exec(5): each installs a seccomp filter, which every function would inherit.
FILTERS = """SystemCallFilter SystemCallArchitectures SystemCallLog RestrictNamespaces RestrictAddressFamilies
RestrictRealtime RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute ProtectClock ProtectKernelModules
ProtectKernelLogs ProtectKernelTunables ProtectHostname PrivateDevices""".split()
# Each mounts something over /proc or /sys/fs/cgroup.
COVERS = "ProtectProc ProcSubset ProtectKernelTunables ProtectKernelLogs ProtectControlGroups".split()


def options(text):
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))


def reaches_functions(text):
    """What is wrong with a unit of this text."""
    problems, there = [], options(text)
    comments = " ".join(line for line in text.splitlines() if line.startswith("#"))
    for name in dict.fromkeys(FILTERS + COVERS):
        if name in there:
            problems.append(f"{name} is set")
        elif not re.search(rf"\b{name}\b", comments):
            problems.append(f"{name} is left out without a word")
    if there.get("Delegate") != "yes":
        problems.append("no cgroup is delegated")
    if there.get("LimitCORE") == "0":
        problems.append("LimitCORE=0 reaches the functions and starts the host's core program for them (G19)")
    return problems


def verify(text, faasd):
    """What systemd-analyze says against it."""
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder) / "faasd.service"
        unit.write_text(text.replace("@faasd@", str(faasd)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    # It reads the host's other units, too, and may not like them.
    said = [line for line in (done.stdout + done.stderr).splitlines() if "faasd.service" in line]
    return said or ([f"systemd-analyze: status {done.returncode}: {done.stderr}"] if done.returncode else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unit", type=pathlib.Path, required=True, help="faasd.service.in")
    parser.add_argument("--faasd", type=pathlib.Path, required=True)
    args = parser.parse_args()
    if not shutil.which("systemd-analyze"):
        print("SKIP: faasd.unit: systemd-analyze is missing (scripts/setup --tests)")
        return 1 if os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1" else 77
    text, faasd = args.unit.read_text(), args.faasd.resolve()
    problems = reaches_functions(text) + verify(text, faasd)
    # Both can tell.
    if not reaches_functions(text.replace("NoNewPrivileges=yes", "RestrictRealtime=yes")):
        problems.append("a filter was not noticed")
    if not verify(text.replace("KillMode=mixed", "KillMode=gently"), faasd):
        problems.append("a wrong value was not noticed")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
