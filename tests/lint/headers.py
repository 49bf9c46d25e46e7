#!/usr/bin/env python3
"""Every public header compiles alone, and twice."""

import concurrent.futures
import pathlib
import shutil
import subprocess
import tempfile

import tree


def compile_alone(compiler, root, path, folder):
    is_c = path.suffix == ".h"
    name = path.relative_to("include")
    unit = path.stem + (".c" if is_c else ".cpp")
    (pathlib.Path(folder) / unit).write_text(f"#include <{name}>\n#include <{name}>\n")
    command = [*compiler, "-std=c11" if is_c else "-std=c++20", "-Wall", "-Wextra", "-Werror",
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
        for path, done in zip(paths, pool.map(
                lambda path: compile_alone(compiler, args.root, path, folder), paths)):
            if done.returncode:
                problems.append(f"{path}:\n{done.stderr}")
    tree.finish(f"headers ({args.compiler})", problems)


if __name__ == "__main__":
    main()
