#!/usr/bin/env python3
"""Nothing in the tree names the machine it was written on; no file swallows the program."""

import pathlib
import re

import tree

TOO_LONG = 500      # worth a split
FAR_TOO_LONG = 1000
# Directories below / that every Linux has; a path elsewhere is somebody's own machine.
STANDARD = ("bin boot dev etc home lib lib32 lib64 libx32 media mnt nix opt proc root run sbin srv sys tmp "
            "usr var").split()
# An absolute path of at least two parts: at the start of a line, a word or a quotation.
ABSOLUTE = re.compile(r'(?:^|(?<=[\s=(`{,])|(?<=[\s=(`{,]["\']))/([a-z][a-z0-9_]*)/[A-Za-z0-9_.-]+', re.M)
# First parts of the paths of HTTP, and of the jail's own, which are no paths of a machine.
ROUTES = ("2014-11-13 2015-03-31 2016-08-19 2017-03-31 2017-10-31 2018-06-01 2020-01-01 2022-07-01 async-function "
          "faas function functions healthz metrics readyz runtime extension event-source-mappings layers "
          "account-settings versions invocation logs telemetry init aws a b c x y foo sandbox").split()
# And a path that is written after a variable for the tree's own root.
OWN = "build cmake examples include lib scripts tests tools".split()
NEVER = [
    (re.compile(r"\.\./shared\b"), "reads outside of the tree"),
    (re.compile(r"TODO\(now\)"), "TODO(now) never lands"),
    (re.compile(r"(?i)co-authored-by|generated (by|with) (?!cmake|the build|build/)"), "names its writer"),
    (re.compile(r"^(<<<<<<<|>>>>>>>) ", re.M), "conflict marker"),
]
TEXT = (".cpp", ".hpp", ".c", ".h", ".md", ".txt", ".cmake", ".py", ".mjs", ".js", ".json", ".sh", ".yml", ".in")


def own_paths(root):
    """This checkout's place, and the home of who runs this: neither may be written into a file."""
    common = {pathlib.Path(p) for p in "/ /home /root /tmp /opt /srv /usr/src /var/tmp /src".split()}
    places = [root.resolve(), *root.resolve().parents[:1], pathlib.Path.home()]
    return [f"{place}/" for place in places if place not in common]


def main():
    root = tree.arguments(__doc__).root
    own = own_paths(root)
    problems, notes = [], []
    for path in tree.files(root):
        if path.suffix not in TEXT and path.parts[0] not in ("scripts", ".ci", "cmake"):
            continue
        if path.parts[:2] == ("tests", "lint") or path.parts[:3] == ("tests", "fuzz", "corpus"):
            continue
        source = tree.text(root, path)
        for place in own:
            if place in source:
                problems.append(f"{path}:{tree.line_of(source, source.index(place))}: names this machine's {place}")
        for pattern, why in NEVER:
            for match in pattern.finditer(source):
                problems.append(f"{path}:{tree.line_of(source, match.start())}: {match.group(0)!r}: {why}")
        for match in ABSOLUTE.finditer(source):
            if match.group(1) not in STANDARD + ROUTES + OWN:
                problems.append(f"{path}:{tree.line_of(source, match.start())}: {match.group(0)}: "
                                "no directory that every Linux has")
        lines = source.count("\n")
        if path.suffix in tree.CODE + (".py",) and lines > TOO_LONG:
            message = f"{path}: {lines} lines; over {TOO_LONG} a file needs a split"
            (problems if lines > FAR_TOO_LONG else notes).append(message)
    tree.finish("words", problems, notes)


if __name__ == "__main__":
    main()
