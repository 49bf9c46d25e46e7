#!/usr/bin/env python3
"""Nothing ambient in lib/: no environment, standard stream, signal disposition, working directory, exit."""

import re

import tree

NEVER = {
    r"\b(?:secure_)?getenv\s*\(|\b(?:set|unset|put)env\s*\(|\benviron\b": "the environment",
    r"\bstd::(?:cout|cerr|clog|cin)\b|(?<![\w:])(?:std::)?(?:printf|puts|putchar|perror)\s*\(|\bfmt::print\b"
    r"|\b(?:stdout|stderr|stdin)\b": "a standard stream",
    r"(?<![\w.:>])(?:std::|::)?signal\s*\(\s*SIG|\bsigaction\s*\(|\bsigprocmask\s*\(": "a signal disposition or mask",
    r"(?<![\w.>])(?:::)?f?chdir\s*\(": "the working directory",
    r"(?<![\w.>:])(?:std::|::)?(?:exit|quick_exit|abort)\s*\(": "the end of the process",
    r"\bumask\s*\(": "the file mode mask",
}
# Programs of their own that live below lib/, or that are only ever compiled into one; and what must be there.
ALLOWED = {
    "lib/base/check.hpp": "FAAS_CHECK ends the process on a bug",
}
ALLOWED_FOLDERS = {
    "lib/sandbox/spawner": "the spawner and what runs in the jail before exec: another process",
}


def main():
    root = tree.arguments(__doc__).root
    problems = []
    for path in tree.files(root, *tree.CODE, under=("lib",)):
        if str(path) in ALLOWED or any(str(path).startswith(f + "/") for f in ALLOWED_FOLDERS):
            continue
        source = tree.without_comments(tree.text(root, path))
        for pattern, what in NEVER.items():
            for match in re.finditer(pattern, source):
                problems.append(f"{path}:{tree.line_of(source, match.start())}: {match.group(0).strip()} touches {what}")
    tree.finish("ambient", problems)


if __name__ == "__main__":
    main()
