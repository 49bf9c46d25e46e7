"""What scripts/bench prints of a row."""

import ratios

HEADER = f"{'row':<42} {'level':<6} {'unit':<5} {'ours p50':>10} {'p99':>10} {'ref. p50':>10} {'p99':>10} " \
         f"{'ratio':>7}  5-95 % of rounds"


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


def pools(counts):
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def looks(row):
    """The lines under a row: where it ran, and what each side cost, kept ready and was held by."""
    lines = [f"  placement: {row['placement']}"]
    for side, look in row["looks"].items():
        p50 = f"p50 {row[side]['p50']:.1f}, " if side == "base" else ""
        lines.append(f"  {side}: {p50}CPU {look['cpu_us']:.1f} us an operation (its whole tree of processes); ready "
                     f"before: {pools(look['pools_before'])}; after: {pools(look['pools_after'])}; "
                     f"posture {look['posture'] or 'none'}")
    return lines


def unlike_postures(rows):
    """[words] of each function of ours that was not held alike in all rows."""
    first, wrong = {}, []
    for row in rows:
        look = row["looks"].get("ours")
        if not row["function"] or not look or not look["posture"]:
            continue
        name, other = first.setdefault(row["function"], (row["name"], look))
        if look["posture"] != other["posture"]:
            here, there = set(look["posture_lines"]), set(other["posture_lines"])
            wrong.append(f"'{row['function']}' is not held alike in {name} and {row['name']}: " +
                         "; ".join([*(f"-{text}" for text in sorted(there - here)),
                                    *(f"+{text}" for text in sorted(here - there))]))
    return wrong
