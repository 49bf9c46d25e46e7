#!/usr/bin/env python3
"""case_log.py SCRIPT ARGUMENT...: runs a test that is a Python script, and appends how it ended to the file that
FAAS_CASE_LOG names, as case_log.hpp does for each case."""

import os
import pathlib
import runpy
import sys


def append(verdict, path, sentence=""):
    """verdict: pass, FAIL or skip. path: of the test file, wherever its tree lies."""
    log = os.environ.get("FAAS_CASE_LOG")
    if not log:
        return
    name = "tests/" + str(path).rpartition("/tests/")[2] + (f": {sentence}" if sentence else "")
    with open(log, "ab", buffering=0) as file:
        file.write(f"{verdict}\t{name}\n".encode())


def main():
    script = pathlib.Path(sys.argv[1]).resolve()
    sys.argv = sys.argv[1:]
    sys.path[0] = str(script.parent)
    verdict = "FAIL"
    try:
        runpy.run_path(str(script), run_name="__main__")
        verdict = "pass"
    except SystemExit as end:
        verdict = {None: "pass", 0: "pass", 77: "skip"}.get(end.code, "FAIL")
        raise
    finally:
        append(verdict, script)


if __name__ == "__main__":
    main()
