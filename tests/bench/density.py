"""Memory of idle instances: how MemAvailable falls between so many and twice as many of them."""

import time

import measure
import ratios
from sides import Program

ROUNDS = 3
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
        self.ours, self.reference, self.parts = ours, reference, parts

    def measure(self, settings):
        counts, looks = (SMOKE_COUNTS, 0) if settings.smoke else (COUNTS, LOOKS)
        rounds = []
        for number in range(min(settings.rounds, ROUNDS)):
            measure.progress(f"{self.name}: round {number + 1}")
            rounds.append(ratios.Round([cost(self.ours, counts, looks)],
                                       [max(0.1, cost(self.reference, counts, looks))]))
        parts = {words: cost(program, counts, looks) for words, program in self.parts.items()}
        measure.progress("")
        listed = ", ".join(f"{words} {kib:.0f}" for words, kib in parts.items())
        return {"name": self.name, "level": "warm", "placement": "idle", "unit": "KiB",
                **ratios.summary(rounds), "note": f"{self.note}. KiB of each by parts: {listed}",
                "parts": parts, "function": None, "looks": {}}
