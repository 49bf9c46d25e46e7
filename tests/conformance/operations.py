"""The list of operations: which of Lambda's 85 faasd has."""

import dataclasses
import pathlib

LIST = pathlib.Path(__file__).parent / "operations.tsv"


@dataclasses.dataclass(frozen=True)
class Operation:
    name: str
    method: str
    date: str
    path: str
    ours: bool


def every():
    rows = (line.split("\t") for line in LIST.read_text().splitlines() if not line.startswith("#"))
    return [Operation(name, method, date, path, ours == "yes") for name, method, date, path, ours in rows]


def ours():
    return {operation.name for operation in every() if operation.ours}
