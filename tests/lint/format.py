#!/usr/bin/env python3
"""Every C and C++ file is as clang-format 14 (Debian 12's) writes it."""

import concurrent.futures
import os
import shutil
import subprocess

import tree

NAME = "clang-format-14"


def unformatted(program, root, path):
    # Not --dry-run: version 14 flags the closing comment of `inline v0` although it rewrites it equal.
    done = subprocess.run([program, str(root / path)], capture_output=True, check=True)
    return done.stdout != (root / path).read_bytes()


def main():
    root = tree.arguments(__doc__).root
    program = shutil.which(NAME)
    if not program:
        tree.skip("format", f"{NAME} is not installed (scripts/setup --tests); versions format differently")
    paths = tree.files(root, *tree.CODE, under=("include", "lib", "tools", "examples", "tests"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = pool.map(lambda path: unformatted(program, root, path), paths)
        problems = [f"{path}: run {NAME} -i {path}" for path, bad in zip(paths, wrong) if bad]
    tree.finish("format", problems)


if __name__ == "__main__":
    main()
