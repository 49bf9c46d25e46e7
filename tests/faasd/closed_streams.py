#!/usr/bin/env python3
"""A daemon started with its standard streams closed writes its messages into none of its files."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time


def handles_sigterm(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status).group(1), 16) >> (signal.SIGTERM - 1) & 1


def main():
    with tempfile.TemporaryDirectory() as state:
        command = [sys.argv[1], "serve", "--state", state, "--listen", "127.0.0.1:0", "--allow-degraded"]
        process = subprocess.Popen(command, preexec_fn=lambda: os.closerange(0, 3))
        end = time.monotonic() + 30
        while process.poll() is None and not handles_sigterm(process) and time.monotonic() < end:
            time.sleep(0.01)
        process.terminate()
        try:
            status = process.wait(30)
        except subprocess.TimeoutExpired as late:
            process.kill()
            status = late
        lock = (pathlib.Path(state) / "lock").read_text()
    print(f"exit status {status}, lock {lock!r}")
    return 0 if status == 0 and re.fullmatch(r"[0-9a-z]+ \d+\n?", lock) else 1


if __name__ == "__main__":
    sys.exit(main())
