"""Rows of memory, which are no pairs of samples: of idle instances, what so many more of them take; of what is
only registered, against what is promised."""

import time

import measure
import processes
import ratios
from sides import Missing, Program

ROUNDS = 5
COUNTS = (500, 1000)
SMOKE_COUNTS = (4, 8)
LOOKS = 15
CALM = 256  # KiB between two readings, once the kernel has cleared up
GLOBAL = {"KernelStack": "kernel stacks", "SUnreclaim": "slabs", "Percpu": "per CPU"}
ANONYMOUS, TABLES, VMALLOC = "anonymous pages", "page tables", "vmalloc"
KINDS = (ANONYMOUS, TABLES, VMALLOC, *GLOBAL.values())


def numbers(path):
    with open(path, encoding="ascii") as text:
        return {line.split(":")[0]: int(line.split()[1]) for line in text if line.endswith(" kB\n")}


def available():
    return numbers("/proc/meminfo")["MemAvailable"]


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


def of_process(pid):
    try:
        pages = numbers(f"/proc/{pid}/smaps_rollup")
        return pages["Pss_Anon"], numbers(f"/proc/{pid}/status").get("VmPTE", 0)
    except (OSError, KeyError):
        return 0, 0  # it has ended


def taken(side, looks):
    """KiB by kind; what other programs do meanwhile hardly moves any but MemAvailable."""
    free = settled(looks)
    each = [of_process(process.pid) for process, _ in processes.tree(side.roots, processes.everything())]
    whole = numbers("/proc/meminfo")
    return {"MemAvailable": -free, ANONYMOUS: sum(pages for pages, _ in each), TABLES: sum(t for _, t in each),
            VMALLOC: whole["VmallocUsed"] - whole["KernelStack"],  # where stacks are, too
            **{words: whole[key] for key, words in GLOBAL.items()}}


def cost(command, counts, looks):
    """KiB by kind for one more idle instance, and by all kinds together."""
    side = Program(command)
    try:
        side.block(counts[0])
        few = taken(side, looks)
        side.block(counts[1] - counts[0])
        many = taken(side, looks)
    finally:
        side.close()
        settled(looks)
    each = {kind: ratios.slope(few[kind], many[kind], counts) for kind in few}
    return {**each, "counted": sum(each[kind] for kind in KINDS)}


class Density:
    """`parts`: what of a jail, put on a plain process, the floor can measure: {words: program}."""

    def __init__(self, ours, reference, parts):
        self.programs, self.costs = {"ours": ours, "reference": reference, **parts}, {}

    def take(self, settings):
        counts, looks = (SMOKE_COUNTS, 0) if settings.smoke else (COUNTS, LOOKS)
        for number in range(0 if self.costs else min(settings.rounds, ROUNDS)):
            for words, program in self.programs.items():
                measure.progress(f"density: round {number + 1}, {words}")
                self.costs.setdefault(words, []).append(cost(program, counts, looks))
        measure.progress("")

    def median(self, words, kind):
        return ratios.median([each[kind] for each in self.costs[words]])

    def by_kind(self, words):
        return ", ".join(f"{kind} {self.median(words, kind):.0f}" for kind in KINDS)


def undisturbed(each):
    """MemAvailable is the whole host's. Where it fell by another order than what is counted, others moved it."""
    return 0.5 < each["MemAvailable"] / each["counted"] < 2


class DensityRow:
    """`kind`: "MemAvailable", or "counted": all the kinds together."""

    def __init__(self, name, note, kind, density):
        self.name, self.note, self.kind, self.density = name, note, kind, density

    def rounds(self, smoke):
        pairs = list(zip(self.density.costs["ours"], self.density.costs["reference"]))
        if self.kind == "MemAvailable" and not smoke:
            pairs = [pair for pair in pairs if all(undisturbed(each) for each in pair)]
        if not pairs:
            raise Missing("other programs moved MemAvailable by more than the instances did, in every round")
        return [ratios.Round([max(0.1, ours[self.kind])], [max(0.1, plain[self.kind])]) for ours, plain in pairs]

    def measure(self, settings):
        self.density.take(settings)
        rounds, costs = self.rounds(settings.smoke), self.density.costs
        parts = {words: self.density.median(words, self.kind) for words in costs if words not in ("ours", "reference")}
        listed = ", ".join(f"{words} {kib:.0f}" for words, kib in parts.items())
        kinds = "" if self.kind == "MemAvailable" else (
            f"; ours by kinds: {self.density.by_kind('ours')}; with all of them: "
            f"{self.density.by_kind('with all of them')}; the reference: {self.density.by_kind('reference')}")
        return {"name": self.name, "level": "warm", "placement": "idle", "unit": "KiB", **ratios.summary(rounds),
                "note": f"{self.note}. KiB of each by parts: {listed}{kinds}", "parts": parts, "function": None,
                "looks": {}}


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
