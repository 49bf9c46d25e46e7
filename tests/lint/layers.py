#!/usr/bin/env python3
"""Who may include what. The table is ARCHITECTURE.md's; change both together."""

import re

import tree

# module: modules whose headers it may include (private and public), external packages.
PUBLIC_LINE = "public"  # every header of include/faas
TABLE = {
    "base": ([], []),
    "sys": (["base"], []),
    "sandbox": (["base", "sys"], ["seccomp", "cap"]),
    "code": (["base", "sys"], ["zstd", "archive", "openssl"]),
    "store": (["base", "sys"], ["sqlite"]),
    "contract": (["base"], ["json"]),
    "scheduler": (["base"], []),
    "registry": (["store", "base"], ["json", "openssl"]),
    "events": (["store", "base"], ["crc"]),
    "metering": (["store", "base"], []),
    "invoker": (["contract", "sandbox", "code", "sys", "base"], ["asio"]),
    "runtime": (
        ["invoker", "registry", "events", "metering", "scheduler", "contract", "sandbox", "code",
         "store", "sys", "base"],
        ["asio"],
    ),
    "fetch": (["base", "sys"], ["asio", "beast", "openssl"]),
    "triggers": ([PUBLIC_LINE, "base", "fetch"], ["asio", "beast", "json", "openssl"]),
    "http": ([PUBLIC_LINE, "base", "fetch"], ["asio", "beast", "json", "openssl"]),
    "control": ([PUBLIC_LINE, "base", "fetch"], ["asio", "json", "yaml", "openssl"]),
}
# Base's own externals are every layer's: Result and text formatting.
EVERYWHERE = ["system", "fmt"]

# public header: the module that implements it
PUBLIC_HEADERS = {
    **dict.fromkeys(
        ["access", "error", "units", "function", "layer", "outcome", "observer"], "base"),
    "sandbox": "sandbox",
    "host": "sandbox",
    "code_cache": "code",
    "scheduler": "scheduler",
    "invoker": "invoker",
    "event_queue": "events",
    "runtime": "runtime",
    "trigger": "triggers",
    "http_server": "http",
    "control": "control",
    "releases": "control",
    "manifest": "control",
    "faas": None,
}
# A public header sees what its module sees, and:
HEADER_EXTRAS = {
    # InstanceId and Place are the scheduler's words; no code of the scheduler is called.
    "invoker": ["scheduler"],
    "http_server": ["runtime"],
    "trigger": ["runtime"],
}
MODULE_EXTRAS = {"invoker": ["scheduler.hpp"]}

PACKAGES = [  # first match names the package of an include
    ("asio", r"boost/asio|boost/asio\.hpp"),
    ("beast", r"boost/beast"),
    ("json", r"boost/json"),
    ("system", r"boost/(system|assert)/"),
    ("crc", r"boost/crc\.hpp"),
    ("boost", r"boost/"),
    ("fmt", r"fmt/"),
    ("seccomp", r"seccomp\.h"),
    ("cap", r"sys/capability\.h"),
    ("zstd", r"zstd"),
    ("archive", r"archive(_entry)?\.h"),
    ("openssl", r"openssl/"),
    ("sqlite", r"sqlite3"),
    ("yaml", r"yaml-cpp/"),
    ("cli11", r"CLI/"),
    ("doctest", r"doctest/"),
]
# No I/O, no Linux, no threads: what makes these modules testable in a loop.
PURE = {"base", "contract", "scheduler"}
IMPURE = re.compile(
    r"^(sys/|linux/|arpa/|netinet/|unistd\.h|fcntl\.h|poll\.h|sched\.h|signal\.h|dirent\.h|pthread\.h"
    r"|csignal|thread|mutex|condition_variable|future|fstream|iostream|filesystem|cstdio|stdio\.h)")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
ASYNC_BEAST = re.compile(r"\b(?:http|beast|websocket)::async_\w+")


def package(header):
    for name, pattern in PACKAGES:
        if re.match(pattern, header):
            return name
    return None


def includes(root, path):
    source = tree.text(root, path)
    # Not tree.without_comments: it blanks strings, and a quoted include is one.
    for match in INCLUDE.finditer(source):
        yield tree.line_of(source, match.start()), match.group(1) == "<", match.group(2)


def may_see_public(module, stem):
    owner = PUBLIC_HEADERS.get(stem, "?")
    allowed, _ = TABLE[module]
    return (owner in (module, "base") or PUBLIC_LINE in allowed or owner in allowed
            or f"{stem}.hpp" in MODULE_EXTRAS.get(module, ()))


def check_lib(root, problems):
    for path in tree.files(root, *tree.CODE, under=("lib",)):
        module = path.parts[1]
        if module not in TABLE:
            problems.append(f"{path}: module '{module}' is not in the table")
            continue
        modules, packages = TABLE[module]
        for line, angled, header in includes(root, path):
            where = f"{path}:{line}: {module} may not include"
            if header.startswith("faas/"):
                stem = header.removeprefix("faas/").rsplit(".", 1)[0]
                if not may_see_public(module, stem):
                    problems.append(f"{where} <{header}>")
            elif not angled:
                other = header.split("/")[0] if "/" in header else None
                if other is None or other.startswith("."):
                    problems.append(f'{path}:{line}: write "module/file.hpp", not "{header}"')
                elif other != module and other not in modules:
                    problems.append(f'{where} "{header}" (it may see: {", ".join(modules) or "nothing"})')
            else:
                external = package(header)
                if external and external not in packages + EVERYWHERE:
                    problems.append(f"{where} <{header}> (packages: {', '.join(packages) or 'none'})")
                elif not external and module in PURE and IMPURE.match(header):
                    problems.append(f"{where} <{header}>: {module} does no I/O")


def check_links(root, problems):
    """DEPS in CMake say the same as the includes may."""
    for path in tree.files(root, "CMakeLists.txt", under=("lib",)):
        module = path.parts[1]
        found = re.search(r"faas_module\([^)]*?DEPS([^)]*)", tree.text(root, path))
        for word in (found.group(1).split() if found else []):
            if word == "LINK":
                break
            seen = TABLE.get(module, ([], []))[0]
            above = list(PUBLIC_HEADERS.values()) if PUBLIC_LINE in seen else []
            if word not in seen + above:
                problems.append(f"{path}: {module} may not link {word}")


def check_public(root, problems):
    for path in tree.files(root, ".hpp", ".h", under=("include/faas",)):
        stem = path.stem
        if stem not in PUBLIC_HEADERS:
            if stem != "guest":
                problems.append(f"{path}: public header '{stem}' is not in the table")
            continue
        owner = PUBLIC_HEADERS[stem]
        for line, angled, header in includes(root, path):
            if not angled:
                problems.append(f'{path}:{line}: a public header includes <faas/…> only, not "{header}"')
            elif owner is None:
                if header == "faas/http_server.hpp":
                    problems.append(f"{path}:{line}: faas.hpp does not include http_server.hpp")
            elif header.startswith("faas/"):
                other = header.removeprefix("faas/").rsplit(".", 1)[0]
                if not may_see_public(owner, other) and other not in HEADER_EXTRAS.get(stem, ()):
                    problems.append(f"{path}:{line}: {stem}.hpp may not include <{header}>")
            else:
                external = package(header)
                if external and external not in ["asio", "system"]:
                    problems.append(f"{path}:{line}: <{header}> in a public header")
                if external == "asio" and "asio" not in TABLE[owner][1]:
                    problems.append(f"{path}:{line}: {stem}.hpp may not include <{header}>")


def check_outside(root, problems):
    """Programs of a user's kind see the public line only."""
    for top, packages in [("tools/faasd", ["asio", "cli11"]), ("examples", ["asio"]),
                          ("tests/consumer", ["asio"]), ("tests/promises", ["asio", "doctest"])]:
        for path in tree.files(root, *tree.CODE, under=(top,)):
            for line, angled, header in includes(root, path):
                private = not angled and "/" in header and header.split("/")[0] in TABLE
                if private and not (root / path.parent / header).exists():
                    problems.append(f'{path}:{line}: "{header}": {top} sees include/faas only')
                external = package(header) if angled else None
                if external and external not in packages + EVERYWHERE:
                    problems.append(f"{path}:{line}: <{header}> in {top}")


def check_beast(root, problems):
    """Beast's composed operations cost 14 s and 0.7 GB to compile: one .cpp of a module has them."""
    by_module = {}
    for path in tree.files(root, *tree.CODE, under=("lib",)):
        if ASYNC_BEAST.search(tree.without_comments(tree.text(root, path))):
            by_module.setdefault(path.parts[1], []).append(path)
    for module, paths in by_module.items():
        for path in paths:
            if path.suffix != ".cpp":
                problems.append(f"{path}: asynchronous operations of Beast in a header")
        if len(paths) > 1:
            problems.append(f"{module}: asynchronous operations of Beast in {len(paths)} files: "
                            + ", ".join(map(str, paths)))


def main():
    root = tree.arguments(__doc__).root
    problems = []
    for check in (check_lib, check_links, check_public, check_outside, check_beast):
        check(root, problems)
    tree.finish("layers", problems)


if __name__ == "__main__":
    main()
