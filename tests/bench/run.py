#!/usr/bin/env python3
"""Measures the rows of rows.py: each against its reference in one run, in rounds of A B B A."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import ratios
from rows import ROWS, Files, Missing

HEADER = f"{'row':<42} {'level':<6} {'unit':<5} {'ours p50':>10} {'p99':>10} {'ref. p50':>10} {'p99':>10} " \
         f"{'ratio':>7}  5-95 % of rounds"


class Program:
    """One side of a row: gives blocks of samples (sampler.h)."""

    def __init__(self, command):
        self.name = pathlib.Path(command[0]).name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline().strip()
        if first.startswith("unavailable: "):
            self.close()
            raise Missing(f"{self.name}: {first.removeprefix('unavailable: ')}")
        if first != "ready":
            self.close()
            raise RuntimeError(f"{self.name} ended with status {self.process.returncode} before it was ready")

    def block(self, count):
        try:
            self.process.stdin.write(f"{count}\n")
            self.process.stdin.flush()
            samples = [int(word) for word in self.process.stdout.readline().split()]
        except BrokenPipeError:
            samples = []
        if len(samples) != count:
            raise RuntimeError(f"{self.name} gave {len(samples)} samples of {count}; its words are above")
        return samples

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()


def processor_times():
    with open("/proc/stat", encoding="ascii") as stat:
        times = [int(word) for word in stat.readline().split()[1:9]]
    return sum(times), times[7]


def one_round(row, ours, reference):
    total, steal = processor_times()
    samples = {ours: [], reference: []}
    for side, count in ((ours, row.block[0]), (reference, row.block[1]),
                        (reference, row.block[1]), (ours, row.block[0])):
        samples[side] += [sample * row.scale for sample in side.block(count)]
    total_after, steal_after = processor_times()
    lost = (steal_after - steal) / max(1, total_after - total)
    return ratios.Round(samples[ours], samples[reference], lost)


def measure(row, rounds):
    ours = Program(row.ours)
    try:
        reference = Program(row.reference)
    except BaseException:
        ours.close()
        raise
    try:
        one_round(row, ours, reference)  # warms both; not counted
        done = []
        for number in range(rounds):
            progress(f"{row.name}: round {number + 1} of {rounds}")
            done.append(one_round(row, ours, reference))
    finally:
        progress("")
        ours.close()
        reference.close()
    result = ratios.summary(done, higher_is_better=row.unit == "1/s")
    return {"name": row.name, "level": row.level, "unit": row.unit, **result, "note": row.note}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def line(row):
    ours, reference, (low, high) = row["ours"], row["reference"], row["spread"]
    digits = 0 if row["unit"] == "1/s" else 1
    numbers = " ".join(f"{value:>10.{digits}f}"
                       for value in (ours["p50"], ours["p99"], reference["p50"], reference["p99"]))
    text = f"{row['name']:<42} {row['level']:<6} {row['unit']:<5} {numbers} {row['ratio']:>7.2f}  " \
           f"{low:.2f}-{high:.2f} ({row['rounds']} rounds)"
    if row["dropped"]:
        text += f", {row['dropped']} dropped for stolen time"
    elif row["steal"] > ratios.MOST_STEAL:
        text += f", noisy: up to {row['steal']:.0%} of the time was stolen"
    return text


def select(only):
    chosen = [name for name in ROWS if not only or any(name.startswith(prefix) for prefix in only)]
    unknown = [prefix for prefix in only if not any(name.startswith(prefix) for name in ROWS)]
    if unknown:
        sys.exit(f"bench: no row begins with '{unknown[0]}'; the rows are:\n  " + "\n  ".join(ROWS))
    return chosen


def run(names, files, rounds):
    rows, missing, failed = [], [], []
    print(HEADER)
    for name in names:
        try:
            rows.append(measure(ROWS[name](files), rounds))
            print(line(rows[-1]), flush=True)
        except Missing as why:
            missing.append({"name": name, "why": str(why)})
            print(f"{name:<42} not measured: {why}", flush=True)
        except RuntimeError as why:
            failed.append({"name": name, "why": str(why)})
            print(f"{name:<42} FAILED: {why}", flush=True)
    return rows, missing, failed


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only the rows whose name begins with NAME; may be given again")
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE, too")
    parser.add_argument("--rounds", type=int, default=30, help="rounds of each row (30)")
    parser.add_argument("--list", action="store_true", help="print the names of the rows; measure nothing")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    names = select(options.only)
    if options.list:
        print("\n".join(names))
        return
    with tempfile.TemporaryDirectory(prefix="faas-bench-") as work:
        rows, missing, failed = run(names, Files(pathlib.Path(work), options.programs.resolve()), options.rounds)
    print("\n".join(["", *(f"{row['name']}: {row['note']}" for row in rows)]))
    if options.json:
        report = {"rows": rows, "not_measured": missing, "failed": failed}
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    all_wanted = os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1"
    sys.exit(1 if failed or (missing and all_wanted) else 0)


if __name__ == "__main__":
    main()
