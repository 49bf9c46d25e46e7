"""How a row is measured: the rounds of A B B A, and what is looked at outside of them."""

import sys
import time
from dataclasses import dataclass
from typing import Callable, Optional

import posture
import ratios
from sides import Program

SETTLED = 0.3  # seconds after which what is refilled off the path is full again


@dataclass
class Row:
    name: str
    level: str            # cold, warm, none
    placement: str        # where both sides run
    note: str
    ours: object          # a program with its arguments, or what opens a side
    reference: object
    block: tuple          # samples of ours and of the reference in each half of a round
    unit: str = "us"      # or "1/s"
    scale: float = 1e-3   # from what the sides give
    operations: Callable = lambda sample: 1  # starts or calls that one sample of ours stands for
    reference_operations: Optional[Callable] = None  # of the reference, where it is another number
    function: Optional[str] = None           # what answers in ours: one function, one posture
    base: object = None   # what is taken off ours, in blocks as large as those of ours
    at: int = 50          # the percentile of each round that the ratio is of

    def measure(self, settings):
        return interleaved(self, settings)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def processor_times():
    with open("/proc/stat", encoding="ascii") as stat:
        times = [int(word) for word in stat.readline().split()[1:9]]
    return sum(times), times[7]


class Measured:
    """One side of a row, what it gave, and what it cost over all its blocks."""

    def __init__(self, opener, block, row, operations):
        self.side = opener() if callable(opener) else Program(opener)
        self.count, self.row, self.operations_of, self.operations = block, row, operations, 0

    def block(self):
        samples = [sample * self.row.scale for sample in self.side.block(self.count)]
        self.operations += sum(self.operations_of(sample) for sample in samples)
        return samples

    def begin(self, pause):
        self.lines, self.operations = self.side.posture(), 0
        time.sleep(pause)
        self.before, self.cpu = self.side.pools(), self.side.cpu_seconds()

    def end(self, pause):
        time.sleep(pause)
        return {"cpu_us": (self.side.cpu_seconds() - self.cpu) * 1e6 / max(1, self.operations),
                "pools_before": self.before, "pools_after": self.side.pools(),
                "posture": posture.digest(self.lines) if self.lines else None,
                "posture_lines": self.lines}


def one_round(ours, reference, base):
    total, steal = processor_times()
    order = (ours, base, reference, reference, base, ours)
    samples = {side: [] for side in order}
    for side in order:
        if side:
            samples[side] += side.block()
    total_after, steal_after = processor_times()
    lost = (steal_after - steal) / max(1, total_after - total)
    return ratios.Round(samples[ours], samples[reference], lost, samples[base] or None, ours.row.at)


def open_sides(row, opened, smoke):
    block = (1, 1) if smoke else row.block
    theirs = row.reference_operations or row.operations
    for opener, count, operations in ((row.ours, block[0], row.operations), (row.reference, block[1], theirs),
                                      (row.base, block[0], row.operations)):
        if opener:
            opened.append(Measured(opener, count, row, operations))
    return opened if row.base else [*opened, None]


def interleaved(row, settings):
    opened, pause = [], 0 if settings.smoke else SETTLED
    try:
        sides = open_sides(row, opened, settings.smoke)
        if not settings.smoke:
            one_round(*sides)  # warms both; not counted
        for side in opened:
            side.begin(pause)
        done = []
        for number in range(settings.rounds):
            progress(f"{row.name}: round {number + 1} of {settings.rounds}")
            done.append(one_round(*sides))
        looks = [side.end(pause) for side in opened]
    finally:
        progress("")
        for side in opened:
            side.side.close()
    return {"name": row.name, "level": row.level, "placement": row.placement, "unit": row.unit,
            **ratios.summary(done, higher_is_better=row.unit == "1/s"), "note": row.note,
            "function": row.function, "looks": dict(zip(("ours", "reference", "base"), looks))}
