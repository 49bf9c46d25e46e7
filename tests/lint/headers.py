#!/usr/bin/env python3
"""Every public header compiles alone, and twice; one for C as C99, C11, C++11 and C++20."""

import concurrent.futures
import pathlib
import shutil
import subprocess
import tempfile

import tree


# Of a header's file name: the language and standard of a unit that has nothing else in it.
UNITS = {".hpp": [("c++", "c++20")], ".h": [("c", "c99"), ("c", "c11"), ("c++", "c++11"), ("c++", "c++20")]}


def compile_alone(compiler, root, path, language, standard, folder):
    name = path.relative_to("include")
    unit = f"{path.stem}_{standard.replace('+', 'p')}." + {"c": "c", "c++": "cpp"}[language]
    (pathlib.Path(folder) / unit).write_text(f"#include <{name}>\n#include <{name}>\n")
    pedantic = ["-pedantic", "-Wconversion"] if path.suffix == ".h" else []
    command = [*compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Werror", *pedantic,
               "-Wno-unused-parameter", f"-I{root.resolve() / 'include'}", "-c", unit, "-o", unit + ".o"]
    # From within the folder: a compiler cache then knows the unit, whatever the folder is called.
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def main():
    args = tree.arguments(__doc__, ("--compiler", {"default": "c++"}))
    if not shutil.which(args.compiler):
        tree.skip("headers", f"{args.compiler} is not installed")
    compiler = [args.compiler]
    if shutil.which("ccache"):
        compiler.insert(0, "ccache")
    paths = tree.files(args.root, ".hpp", ".h", under=("include",))
    problems = [] if paths else ["no public header found"]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        units = [(path, *unit) for path in paths for unit in UNITS[path.suffix]]
        for unit, done in zip(units, pool.map(
                lambda unit: compile_alone(compiler, args.root, *unit, folder), units)):
            if done.returncode:
                problems.append(f"{unit[0]} as {unit[2]}:\n{done.stderr}")
    tree.finish(f"headers ({args.compiler})", problems)


if __name__ == "__main__":
    main()
