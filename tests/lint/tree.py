"""What every check of this folder shares: the tree, and how a check ends."""

import argparse
import os
import pathlib
import re
import sys

SKIPPED_FOLDERS = {"build", ".git", ".cache", "node_modules", "__pycache__"}
CODE = (".cpp", ".hpp", ".c", ".h")


def arguments(description, *more):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    for name, options in more:
        parser.add_argument(name, **options)
    return parser.parse_args()


def files(root, *suffixes, under=("",)):
    """Paths of text files below root, relative, sorted; all suffixes if none is given."""
    found = []
    for top in under:
        for folder, names, entries in os.walk(root / top):
            names[:] = sorted(n for n in names if n not in SKIPPED_FOLDERS)
            for entry in sorted(entries):
                if not suffixes or entry.endswith(suffixes):
                    found.append((pathlib.Path(folder) / entry).relative_to(root))
    return found


def text(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def without_comments(source):
    """Comments and strings blanked, line numbers kept."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if token.startswith("R"):
            return '""' + "\n" * token.count("\n")
        return token[0] + token[0]
    pattern = r'R"([^\s()\\]*)\((?:.|\n)*?\)\1"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, source)


def line_of(source, offset):
    return source.count("\n", 0, offset) + 1


def finish(name, problems, notes=()):
    for note in notes:
        print(f"note: {note}")
    for problem in problems:
        print(f"{name}: {problem}")
    print(f"{name}: {len(problems)} problem(s)")
    sys.exit(1 if problems else 0)


def skip(name, why):
    """77 is a skip to ctest; where everything must run it is a failure."""
    print(f"SKIP: {name}: {why}")
    sys.exit(1 if os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1" else 77)
