#!/usr/bin/env python3
"""Every preset that README and CONTRIBUTING name is there and configures in a fresh directory."""

import json
import re
import subprocess
import tempfile

import tree

NEEDS_CLANG = {"clang", "fuzz"}


def main():
    args = tree.arguments(__doc__, ("--clang", {"action": "store_true", "help": "those of clang instead"}))
    presets = json.loads(tree.text(args.root, "CMakePresets.json"))
    names = [p["name"] for p in presets["configurePresets"] if not p.get("hidden")]
    problems = [f"no build preset for {name}" for name in names
                if name not in [p["configurePreset"] for p in presets["buildPresets"]]]
    for path in tree.files(args.root, ".md", under=("",)):
        for name in re.findall(r"--preset[ =]([a-z]+)", tree.text(args.root, path)):
            if name not in names:
                problems.append(f"{path}: there is no preset {name}")
    for name in names:
        if (name in NEEDS_CLANG) != args.clang:
            continue
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["cmake", "--preset", name, "-B", folder], cwd=args.root, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                problems.append(f"cmake --preset {name}:\n{done.stdout[-2000:]}")
    tree.finish("presets", problems)


if __name__ == "__main__":
    main()
