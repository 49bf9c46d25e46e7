"""Without --allow-degraded faasd serves where doctor finds the controllers, and refuses where it does not, saying what
to do."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time


def state_of_controllers(faasd):
    report = json.loads(subprocess.run([faasd, "doctor", "--json"], capture_output=True, text=True).stdout)
    return next(check["State"] for check in report["Checks"] if check["Name"] == "cgroup-controllers")


def serve_strictly(faasd):
    """Its exit status, or None if it listens; what it said."""
    with tempfile.TemporaryDirectory() as folder:
        command = [faasd, "serve", "--state", pathlib.Path(folder) / "state", "--listen", "127.0.0.1:0"]
        said = pathlib.Path(folder) / "said"
        with open(said, "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        end = time.monotonic() + 30
        while process.poll() is None and "listening on" not in said.read_text() and time.monotonic() < end:
            time.sleep(0.02)
        status = process.poll()
        process.terminate()
        process.wait(30)
        return status, said.read_text()


def main():
    faasd = sys.argv[1]
    state = state_of_controllers(faasd)
    status, said = serve_strictly(faasd)
    print(f"doctor: {state}; exit status {status}: {said}")
    if state == "ok":
        return 0 if status is None and "listening on" in said else 1
    return 0 if status == 1 and "--allow-degraded" in said and "faasd doctor" in said else 1


if __name__ == "__main__":
    sys.exit(main())
