#!/usr/bin/env python3
"""No braced temporary and no lambda with captures inside a co_await expression.

g++ 12 destroys such a temporary twice when a member is not trivially destructible: F{.a = "b"}, Error{code, "b"},
[x] { … }. Only callees whose aggregates are asserted trivially destructible may take a braced one."""

import re

import tree

# InvokeOptions is static_asserted trivially destructible in <faas/runtime.hpp>.
SAFE_CALLEES = {"invoke", "invoke_stream"}
# {.a = …}, Type{…} and std::vector<T>{…}; not an empty Type{}, not a body after ")".
BRACED = re.compile(r"\{\s*\.\w+\s*=|(?<![\w.>])(?:\w+::)*[A-Z]\w*\s*\{\s*[^}\s]|\w>\s*\{\s*[^}\s]")
# A [ that begins an expression, with something in it.
CAPTURES = re.compile(r"(?:^|[(,{=]|\breturn)\s*\[\s*[^\]\s][^\]]*\]\s*[({]")
CALLEE = re.compile(r"(\w+)\s*(?:<[^<>;]*>)?\s*$")


def awaited(source):
    """Each co_await's operand with its offset: up to the bracket or semicolon that ends it."""
    for match in re.finditer(r"\bco_await\b", source):
        depth, at = 0, match.end()
        while at < len(source):
            c = source[at]
            if c in "([{":
                depth += 1
            elif c in ")]}":
                depth -= 1
            if depth < 0 or (depth == 0 and c in ";,"):
                break
            at += 1
        yield match.start(), source[match.end():at]


def problems_of(source):
    """(offset, what is wrong) of each co_await."""
    for start, operand in awaited(source):
        for brace in BRACED.finditer(operand):
            if callee_of(operand, brace.start()) not in SAFE_CALLEES:
                yield start, "braced aggregate inside co_await"
        if CAPTURES.search(operand):
            yield start, "lambda with captures inside co_await"


def callee_of(operand, offset):
    """The function whose argument list holds the brace at offset."""
    depth = 0
    for at in range(offset - 1, -1, -1):
        if operand[at] in ")}]":
            depth += 1
        elif operand[at] in "({[":
            if depth == 0:
                name = CALLEE.search(operand[:at])
                return name.group(1) if name else ""
            depth -= 1
    return ""


def main():
    root = tree.arguments(__doc__).root
    problems = []
    for path in tree.files(root, ".cpp", ".hpp", under=("include", "lib", "tools", "examples", "tests")):
        source = tree.without_comments(tree.text(root, path))
        for start, what in problems_of(source):
            problems.append(f"{path}:{tree.line_of(source, start)}: {what}: name it, then move it in")
    for path in tree.files(root, ".md"):
        for block in re.findall(r"```cpp\n(.*?)```", tree.text(root, path), re.S):
            for _, what in problems_of(tree.without_comments(block)):
                problems.append(f"{path}: {what} in an example")
    tree.finish("braces", problems)


if __name__ == "__main__":
    main()
