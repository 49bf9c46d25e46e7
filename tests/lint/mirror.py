#!/usr/bin/env python3
"""lib/x/y.cpp has tests/x/y_test.cpp, or a line in mirror.txt that says where it is tested instead.

A line is `path: other/test.cpp` or `path: - reason`, where path may be a pattern (lib/x/zip_*.cpp); a line
that nothing needs is a problem, too."""

import fnmatch
import re

import tree


def main():
    root = tree.arguments(__doc__).root
    listed = {}
    problems = []
    for line in tree.text(root, "tests/lint/mirror.txt").splitlines():
        if line.strip() and not line.startswith("#"):
            source, _, where = line.partition(":")
            listed[source.strip()] = where.strip()
    used = set()
    for path in tree.files(root, ".cpp", ".c", under=("lib",)):
        module, rest = path.parts[1], path.relative_to("/".join(path.parts[:2]))
        mirrored = f"tests/{module}/{rest.with_suffix('')}_test.cpp"
        line = next((p for p in listed if fnmatch.fnmatch(str(path), p)), None)
        if (root / mirrored).exists():
            if line == str(path):
                used.add(line)
                problems.append(f"{path}: has {mirrored}; take its line out of tests/lint/mirror.txt")
        elif line is None:
            problems.append(f"{path}: no {mirrored} and no line in tests/lint/mirror.txt")
        else:
            used.add(line)
    for line, where in listed.items():
        if line not in used:
            problems.append(f"tests/lint/mirror.txt: nothing needs the line of {line}")
        elif where.startswith("-"):
            if len(where) < 12:
                problems.append(f"tests/lint/mirror.txt: the reason of {line} says nothing")
        else:
            for other in re.split(r"[,\s]+", where):
                if not (root / other).is_file():
                    problems.append(f"tests/lint/mirror.txt: {line} names {other}, which does not exist")
    tree.finish("mirror", problems)


if __name__ == "__main__":
    main()
