"""The arithmetic of scripts/bench: percentiles, ratios of interleaved rounds, and which rounds count."""

import math

MOST_STEAL = 0.02  # a round that lost more of its processor time to other machines does not count


def percentile(values, p):
    """The nearest rank: the smallest value that at least p per cent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(p / 100 * len(ordered)) - 1)]


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def worst(values, p, higher_is_better):
    """p per cent of the samples are at least this good."""
    return percentile(values, 100 - p if higher_is_better else p)


class Round:
    """One A B B A: samples of ours, of the reference, and the share of processor time stolen. `base`: samples
    of what is taken off ours before it is compared. `at`: the percentile that is compared."""

    def __init__(self, ours, reference, steal=0.0, base=None, at=50):
        self.ours, self.reference, self.steal, self.base, self.at = ours, reference, steal, base, at

    def ratio(self):
        return (self._of(self.ours) - (self._of(self.base) if self.base else 0)) / self._of(self.reference)

    def _of(self, values):
        return median(values) if self.at == 50 else percentile(values, self.at)


def counted(rounds):
    """The rounds that count: all that were not disturbed, or all, if fewer than half were not."""
    quiet = [r for r in rounds if r.steal <= MOST_STEAL]
    return quiet if 2 * len(quiet) >= len(rounds) else rounds


def slope(few, many, counts):
    """What one more takes, from what is taken with counts[0] and with counts[1] of them."""
    return (many - few) / (counts[1] - counts[0])


def side(values, higher_is_better):
    return {"p50": median(values), "p99": worst(values, 99, higher_is_better)}


def summary(rounds, higher_is_better=False):
    """What a row says: both sides, the median of the rounds' ratios, and the middle 90 % of them."""
    used = counted(rounds)
    ratios = [r.ratio() for r in used]
    based = [v for r in used for v in r.base or []]
    return {
        **({"base": side(based, higher_is_better)} if based else {}),
        "ours": side([v for r in used for v in r.ours], higher_is_better),
        "reference": side([v for r in used for v in r.reference], higher_is_better),
        "ratio": median(ratios),
        "spread": [percentile(ratios, 5), percentile(ratios, 95)],
        "rounds": len(used),
        "dropped": len(rounds) - len(used),
        "steal": max(r.steal for r in rounds),
    }
