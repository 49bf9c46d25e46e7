#!/usr/bin/env python3
"""Each example is one short file that ctest runs: what is no test of a build directory is not run."""

import subprocess

import tree


def main():
    args = tree.arguments(__doc__, ("--build", {"required": True, "help": "a configured build directory"}))
    listed = subprocess.run(["ctest", "--test-dir", args.build, "-N"], capture_output=True, text=True, check=True)
    tests = {line.split(": ", 1)[1].strip() for line in listed.stdout.splitlines() if ": " in line}
    paths = [path for kind in ("*.cpp", "*.sh") for path in sorted((args.root / "examples").glob(kind))]
    tree.finish("examples", [f"examples/{path.name}: ctest does not run example.{path.stem}"
                             for path in paths if f"example.{path.stem}" not in tests])


if __name__ == "__main__":
    main()
