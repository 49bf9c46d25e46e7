"""Rows of memory, which are no pairs of samples: of idle instances, how MemAvailable falls between so many and
twice as many of them; of what is only registered, against what is promised."""

import time

import measure
import ratios
from sides import Program

ROUNDS = 5
COUNTS = (500, 1000)
SMOKE_COUNTS = (4, 8)
LOOKS = 15
CALM = 256  # KiB between two readings, once the kernel has cleared up


def available():
    with open("/proc/meminfo", encoding="ascii") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("MemAvailable"))


def settled(looks):
    """MemAvailable once it stands still, or after so many looks, five a second."""
    last = available()
    for _ in range(looks):
        time.sleep(0.2)
        now = available()
        if abs(now - last) < CALM:
            return now
        last = now
    return last


def cost(command, counts, looks):
    """KiB for one more idle instance."""
    side = Program(command)
    try:
        side.block(counts[0])
        few = settled(looks)
        side.block(counts[1] - counts[0])
        return ratios.slope(few, settled(looks), counts)
    finally:
        side.close()
        settled(looks)


class Density:
    """`parts`: what of a jail, put on a plain process, the floor can measure: {words: program}."""

    def __init__(self, name, note, ours, reference, parts):
        self.name, self.note = name, note
        self.programs = {"ours": ours, "reference": reference, **parts}

    def measure(self, settings):
        counts, looks = (SMOKE_COUNTS, 0) if settings.smoke else (COUNTS, LOOKS)
        costs = {words: [] for words in self.programs}
        for number in range(min(settings.rounds, ROUNDS)):
            for words, program in self.programs.items():
                measure.progress(f"{self.name}: round {number + 1}, {words}")
                costs[words].append(max(0.1, cost(program, counts, looks)))
        measure.progress("")
        rounds = [ratios.Round([ours], [plain]) for ours, plain in zip(costs["ours"], costs["reference"])]
        parts = {words: ratios.median(kib) for words, kib in costs.items() if words not in ("ours", "reference")}
        listed = ", ".join(f"{words} {kib:.0f}" for words, kib in parts.items())
        return {"name": self.name, "level": "warm", "placement": "idle", "unit": "KiB", **ratios.summary(rounds),
                "note": f"{self.note}. KiB of each by parts: {listed}", "parts": parts, "function": None, "looks": {}}


class Promised:
    """Samples of one program against a number that we promise."""

    def __init__(self, name, note, ours, promise, unit):
        self.name, self.note, self.ours, self.promise, self.unit = name, note, ours, promise, unit

    def measure(self, settings):
        measure.progress(self.name)
        side = Program(self.ours)
        try:
            rounds = [ratios.Round(side.block(1), [self.promise]) for _ in range(min(settings.rounds, ROUNDS))]
        finally:
            side.close()
            measure.progress("")
        return {"name": self.name, "level": "none", "placement": "unpinned", "unit": self.unit,
                **ratios.summary(rounds), "note": self.note, "function": None, "looks": {}}
