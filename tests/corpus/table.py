#!/usr/bin/env python3
"""The attack corpus and what shows it: rows.tsv, one line a row, and the table of SECURITY.md made from it.

A row is `pass` if tests show all that it asks, `vm` if some of them need the virtual machine's kernel,
`part` if something is missing (the row says what), `open` if nothing shows it yet although what it attacks
exists, `pending` if what it attacks does not exist: it names one of FEATURES, and the public headers
must not have that."""

import argparse
import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))
import tree  # noqa: E402

ROWS = "tests/corpus/rows.tsv"
PAGE = "SECURITY.md"
BEGIN = f"<!-- The lines down to the next mark are made from {ROWS} by tests/corpus/table.py --write. -->"
END = "<!-- End of the table. -->"
COLUMNS = "id classes state attempt evidence missing".split()
SECTIONS = [("A", range(1, 15)), ("B", range(1, 21)), ("C", range(1, 31)), ("D", [*range(1, 20), 25]),
            ("N", range(1, 10)), ("K", range(1, 17)), ("R", range(1, 22)), ("O", range(1, 16))]
IDS = [f"{letter}{number}" for letter, numbers in SECTIONS for number in numbers]
STATES = {"pass": "pass", "vm": "in the VM", "part": "in part", "open": "no test", "pending": "pending"}
CLASSES = {"E": "escape", "L": "leak of the host", "X": "exfiltration", "T": "another tenant",
           "H": "denial of service to the host", "P": "to a peer", "S": "to itself", "I": "integrity"}
# What rows may wait for, and a word of the public headers (not of their comments) that would have it.
FEATURES = {
    "egress": r"egress",
    "sign-in": r"sigv4|sign_?in|credential",
    "triggers": r"trigger|cron|schedule\b",
    "asynchronous calls": r"destination|event_queue|invoke_async",
    "container images": r"image|oci_",
    "zygotes": r"zygote",
}


class Row(collections.namedtuple("Row", COLUMNS)):
    @property
    def tests(self):
        return [name for name in self.evidence.split(" ; ") if name]


def read_rows(root, problems):
    lines = tree.text(root, ROWS).splitlines()
    if not lines or lines[0].split("\t") != COLUMNS:
        problems.append(f"{ROWS}:1: the columns are {', '.join(COLUMNS)}, separated by tabs")
        return []
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            problems.append(f"{ROWS}:{number}: {len(cells)} fields, not {len(COLUMNS)}")
            continue
        rows.append(Row(*cells))
    if [row.id for row in rows] != IDS:
        wrong = next((i for i, (row, id) in enumerate(zip(rows, IDS)) if row.id != id), min(len(rows), len(IDS)))
        expected = IDS[wrong] if wrong < len(IDS) else "the end"
        problems.append(f"{ROWS}: {len(rows)} rows, not the {len(IDS)} in their order; {expected} is missing or moved")
    return rows


def cases(root, path):
    """The sentences of a test file's cases, as doctest tells them."""
    source = re.sub(r'"\s*\n\s*"', "", tree.text(root, path))
    found = re.findall(r'\bTEST_CASE\(\s*"((?:[^"\\]|\\.)*)"', source)
    return {re.sub(r"\\(.)", r"\1", name) for name in found}


def wrong_test(root, name):
    path, _, sentence = name.partition(": ")
    if not re.fullmatch(r"tests/[\w/]+\.(cpp|py)", path) or not (root / path).is_file():
        return f"{path} is no test file"
    if path.endswith(".py"):
        return f"{path} has no cases to name" if sentence else None
    return None if sentence in cases(root, path) else f"{path} has no case '{sentence}'"


def unlisted(root, rows):
    """Cases of tests/corpus that begin with the ids of rows ("B9, B10: …"), and are not in those rows."""
    listed = {row.id: row.tests for row in rows}
    for path in tree.files(root, "_test.cpp", under=("tests/corpus",)):
        for sentence in sorted(cases(root, path)):
            ids = re.match(r"((?:[A-Z]\d+(?:, )?)+): ", sentence)
            for id in ids.group(1).split(", ") if ids else []:
                if f"{path}: {sentence}" not in listed.get(id, []):
                    yield f"{path}: the case '{sentence}' is not in the row {id}"


def wrong_state(root, row):
    """Whether the fields of a row are those of its state."""
    in_vm = any(name.startswith("tests/vm/") for name in row.tests)
    has = (bool(row.tests), bool(row.missing))
    wanted = {"pass": (True, False), "vm": (True, False), "part": (True, True), "open": (False, True),
              "pending": (False, True)}.get(row.state)
    if wanted is None:
        return f"state '{row.state}' is none of {', '.join(STATES)}"
    if has != wanted:
        return f"a row that is '{row.state}' has {'' if wanted[0] else 'no '}evidence and " \
               f"{'something' if wanted[1] else 'nothing'} missing"
    if row.state in ("pass", "vm") and in_vm != (row.state == "vm"):
        return "its state is 'vm' if, and only if, a test of tests/vm shows it"
    if row.state == "pending":
        feature = row.missing.partition(": ")[0]
        if feature not in FEATURES:
            return f"'{feature}' is none of the features that may be pending"
        for path in tree.files(root, ".hpp", under=("include/faas",)):
            if re.search(FEATURES[feature], tree.without_comments(tree.text(root, path)), re.I):
                return f"{feature} cannot be pending: {path} has it"
    if not row.attempt or set(row.classes) - set(CLASSES):
        return "no attempt, or a class that is none"
    return None


def render(rows):
    counts = collections.Counter(row.state for row in rows)
    words = {"pass": "pass", "vm": "pass in the virtual machine of tier 2", "part": "are shown in part",
             "open": "have no test yet", "pending": "wait for a feature that does not exist"}
    told = ", ".join(f"{counts[state]} {words[state]}" for state in STATES)
    lines = [BEGIN, "", f"{len(rows)} rows: {told}.", "",
             "Classes: " + ", ".join(f"{letter} {meaning}" for letter, meaning in CLASSES.items()) + ".", "",
             "| row | class | what is tried | state | shown by (below `tests/`) |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        shown = "; ".join(f"`{name.removeprefix('tests/')}`" for name in row.tests)
        missing = row.missing if row.state == "pending" else f"missing: {row.missing}" if row.missing else ""
        cells = [row.id, row.classes, row.attempt, STATES.get(row.state, row.state), ". ".join(filter(None, (shown, missing)))]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", END])


def check_page(root, rows, write, problems):
    page = tree.text(root, PAGE)
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        problems.append(f"{PAGE}: the marks around the table are gone")
        return
    wanted = before + render(rows) + after
    if write:
        (root / PAGE).write_text(wanted, encoding="utf-8")
    elif page != wanted:
        problems.append(f"{PAGE}: its table is not that of {ROWS}; run tests/corpus/table.py --write")


def check_log(log, rows, complete, problems, notes):
    """A line of the log is `pass`, `FAIL` or `skip`, a tab, and the test as rows.tsv names it. What failed beside
    others and passed alone has passed, as in scripts/test: the last line counts."""
    seen = collections.defaultdict(list)
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        verdict, _, name = line.partition("\t")
        seen[name].append(verdict)
    named = sorted({name for row in rows for name in row.tests})
    problems += [f"failed: {name}" for name in named if seen[name][-1:] == ["FAIL"]]
    never = [f"never ran: {name}" for name in named if not {"pass", "FAIL"} & set(seen[name])]
    if complete:
        problems += never
    elif never:
        notes.append(f"{len(never)} of the {len(named)} cases named by the table did not run here")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE}")
    parser.add_argument("--log", type=pathlib.Path, help="what tests wrote to FAAS_CASE_LOG: no named test may have failed")
    parser.add_argument("--complete", action="store_true", help="and each must have run")
    args = parser.parse_args()
    if not (args.root / ROWS).exists():
        tree.finish("corpus", [f"{ROWS} is missing"])
    problems, notes = [], []
    rows = read_rows(args.root, problems)
    for row in rows:
        complaints = [wrong_state(args.root, row), *(wrong_test(args.root, name) for name in row.tests)]
        problems += [f"{row.id}: {complaint}" for complaint in complaints if complaint]
    problems += unlisted(args.root, rows)
    check_page(args.root, rows, args.write, problems)
    if args.log:
        check_log(args.log, rows, args.complete, problems, notes)
    tree.finish("corpus", problems, notes)


if __name__ == "__main__":
    main()
