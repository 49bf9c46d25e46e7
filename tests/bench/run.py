#!/usr/bin/env python3
"""Measures the rows of rows_*.py: each against its reference in one run, in rounds of A B B A."""

import argparse
import json
import os
import pathlib
import sys
import tempfile

import report
import rows_cold
import rows_control
import rows_warm
from files import Files, Settings
from sides import Failed, Missing

ROWS = {**rows_cold.ROWS, **rows_warm.ROWS, **rows_control.ROWS}


def select(only):
    chosen = [name for name in ROWS if not only or any(name.startswith(prefix) for prefix in only)]
    unknown = [prefix for prefix in only if not any(name.startswith(prefix) for name in ROWS)]
    if unknown:
        sys.exit(f"bench: no row begins with '{unknown[0]}'; the rows are:\n  " + "\n  ".join(ROWS))
    return chosen


def run(names, files):
    rows, missing, failed = [], [], []
    print(report.HEADER)
    for name in names:
        try:
            rows.append(ROWS[name](files).measure(files.settings))
            print("\n".join([report.line(rows[-1]), *report.looks(rows[-1])]), flush=True)
        except Missing as why:
            missing.append({"name": name, "why": str(why)})
            print(f"SKIP: {name}: {why}" if files.settings.smoke else f"{name:<42} not measured: {why}", flush=True)
        except Failed as why:
            failed.append({"name": name, "why": str(why)})
            print(f"{name:<42} FAILED: {why}", flush=True)
    return rows, missing, failed


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only the rows whose name begins with NAME; may be given again")
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE, too")
    parser.add_argument("--rounds", type=int, default=30, help="rounds of each row (30)")
    parser.add_argument("--scaleout-seconds", type=int, default=60, help="of each side of scaleout.* (60)")
    parser.add_argument("--list", action="store_true", help="print the names of the rows; measure nothing")
    parser.add_argument("--smoke", action="store_true",
                        help="run everything of each row once; no figure means anything")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds < 1 or options.scaleout_seconds < 1:
        parser.error("--rounds and --scaleout-seconds are at least 1")
    return options


def main():
    options = arguments()
    names = select(options.only)
    if options.list:
        print("\n".join(names))
        return
    settings = Settings(1 if options.smoke else options.rounds, options.scaleout_seconds, options.smoke)
    with tempfile.TemporaryDirectory(prefix="faas-bench-") as work:
        rows, missing, failed = run(names, Files(pathlib.Path(work), options.programs.resolve(), settings))
    print("\n".join(["", *(f"{row['name']}: {row['note']}" for row in rows)]))
    unlike = report.unlike_postures(rows)
    print("\n".join(f"POSTURE: {words}" for words in unlike), end="\n" if unlike else "")
    if options.json:
        found = {"rows": rows, "not_measured": missing, "failed": failed, "unlike_postures": unlike}
        pathlib.Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    all_wanted = os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1"
    sys.exit(1 if failed or unlike or (missing and all_wanted) else 0)


if __name__ == "__main__":
    main()
