#!/usr/bin/env python3
"""SPECIFICATION.md promises nothing that no test shows.

In a table with a column "shown by", each row names there, in backticks, a test file (optionally with
": " and the sentence of one of its cases), or `bench ROW`; or it says pending. Its "tier" is 1, 2 or 3."""

import re

import tree


def rows(source):
    """(line, {column: cell}) of every table that has a column "shown by"."""
    header = None
    for number, line in enumerate(source.splitlines(), 1):
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if header is None:
            header = [cell.lower() for cell in cells]
        elif set("".join(cells)) - set("-: ") and "shown by" in header:
            yield number, dict(zip(header, cells))


def wrong(root, shown):
    named = re.findall(r"`([^`]+)`", shown)
    if not named:
        return None if shown.lower().startswith("pending") else "names no test and is not pending"
    for name in named:
        if name.startswith("bench "):
            row = name.removeprefix("bench ").split("@")[0]
            if not any(row in tree.text(root, path) for path in tree.files(root, under=("tests/bench",))):
                return f"no bench row '{row}' below tests/bench"
            continue
        path, _, sentence = name.partition(": ")
        if not (root / path).is_file():
            return f"{path} does not exist"
        if sentence and f'"{sentence}' not in re.sub(r'"\s*\n\s*"', "", tree.text(root, path)):
            return f"{path} has no case '{sentence}'"
    return None


def main():
    root = tree.arguments(__doc__).root
    if not (root / "SPECIFICATION.md").exists():
        tree.finish("specification", ["SPECIFICATION.md is missing"])
    problems, count = [], 0
    for number, row in rows(tree.text(root, "SPECIFICATION.md")):
        count += 1
        where = f"SPECIFICATION.md:{number}:"
        problem = wrong(root, row["shown by"])
        if problem:
            problems.append(f"{where} {problem}")
        if row.get("tier", "1") not in ("1", "2", "3"):
            problems.append(f"{where} tier '{row['tier']}' is none of 1, 2, 3")
    if not count:
        problems.append('SPECIFICATION.md: no table with a column "shown by"')
    tree.finish("specification", problems)


if __name__ == "__main__":
    main()
