#!/usr/bin/env python3
"""The section "Conformance" of SPECIFICATION.md: operations and the clients that were seen to do them.

report.py --seen BUILD/conformance/seen --write   writes it from what the tests noted
report.py --seen BUILD/conformance/seen           says where it is not what it should be; status 1 then"""

import argparse
import pathlib
import sys
import textwrap

import operations

DOCUMENT = pathlib.Path(__file__).parents[2] / "SPECIFICATION.md"
BEGIN, END = "<!-- conformance: written by tests/conformance/report.py --write -->", "<!-- conformance: end -->"
CLIENTS = {"raw": "raw HTTP, every reply judged", "boto3": "boto3 of Debian 12", "awscli": "awscli of Debian 12",
           "JavaScript": "SDK for JavaScript 3"}
YES, NO = "yes", "–"


def seen(folder, client):
    """What the client was seen to do; None if it did not run since the list of operations was changed."""
    file = folder / client
    if not file.exists() or file.stat().st_mtime < operations.LIST.stat().st_mtime:
        return None
    return set(file.read_text().split())


def section(done):
    """The text between the markers; done: {client: operations}."""
    every = operations.every()
    ours = [each for each in every if each.ours]
    others = [each.name for each in every if not each.ours]
    rows = [f"| {each.name} | {each.date} | "
            + " | ".join(YES if each.name in done[client] else NO for client in CLIENTS) + " |" for each in ours]
    return "\n".join([
        BEGIN, "", wrapped(
            f"Of Lambda's {len(every)} operations faasd has {len(ours)}. Each client here did each operation in the tests, "
            f"with the replies and refusals of the model in `tests/conformance/model`; {NO} is an operation that the client "
            "is too old to know."), "", f"| operation | API | {' | '.join(CLIENTS.values())} |",
        "| --- | --- |" + " --- |" * len(CLIENTS), *rows, "",
        wrapped(f"The other {len(others)} answer `UnknownOperationException`, status 404: {', '.join(others)}."), "", END])


def wrapped(text):
    return "\n".join(textwrap.wrap(text, 130, break_long_words=False, break_on_hyphens=False))


def written(text):
    """(before, section, after), the section empty if there is none."""
    if BEGIN not in text or END not in text:
        return text.rstrip() + "\n\n## Conformance\n\n", "", "\n"
    before, _, rest = text.partition(BEGIN)
    return before, BEGIN + rest.partition(END)[0] + END, rest.partition(END)[2]


def claimed(text):
    """{client: operations} as the section says."""
    found = {client: set() for client in CLIENTS}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 + len(CLIENTS):
            for client, cell in zip(CLIENTS, cells[2:]):
                found[client] |= {cells[0]} if cell == YES else set()
    return found


def problems(text, folder):
    there = written(text)[1]
    said = claimed(there)
    found = [] if there == section(said) else ["the section is not the one of operations.tsv"]
    for client in CLIENTS:
        done = seen(folder, client)
        if done is not None and done != said[client]:
            found.append(f"{CLIENTS[client]}: the tests saw {sorted(done - said[client])} more, and not "
                         f"{sorted(said[client] - done)}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seen", type=pathlib.Path, required=True, help="where the tests noted what each client did")
    parser.add_argument("--write", action="store_true", help="write the section; every client must have run")
    given = parser.parse_args()
    text = DOCUMENT.read_text()
    if given.write:
        done = {client: seen(given.seen, client) for client in CLIENTS}
        if missing := [client for client, what in done.items() if what is None]:
            sys.exit(f"report: {', '.join(missing)}: not seen since operations.tsv was changed; run "
                     "ctest -R 'conformance.(operations|all_clients)'")
        before, _, after = written(text)
        DOCUMENT.write_text(before + section(done) + after)
        return
    if found := problems(text, given.seen):
        sys.exit("\n".join(f"report: {line}; run tests/conformance/report.py --write" for line in found))


if __name__ == "__main__":
    main()
