#!/usr/bin/env python3
"""Every script says what it does: --help prints its usage and ends with 0, quickly."""

import os
import subprocess

import tree


def main():
    root = tree.arguments(__doc__).root
    problems = []
    scripts = [p for p in tree.files(root, under=("scripts",)) if os.access(root / p, os.X_OK)]
    if not scripts:
        problems.append("no script found")
    for path in tree.files(root, under=("scripts",)):
        if path.suffix in ("", ".sh") and not os.access(root / path, os.X_OK):
            problems.append(f"{path}: is not executable")
    for path in scripts:
        try:
            done = subprocess.run([root / path, "--help"], capture_output=True, text=True, timeout=10,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            problems.append(f"{path} --help: still running after 10 s")
            continue
        if done.returncode or "usage" not in done.stdout.lower():
            problems.append(f"{path} --help: status {done.returncode}, prints {done.stdout[:60]!r}")
    tree.finish("help", problems)


if __name__ == "__main__":
    main()
