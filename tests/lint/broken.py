#!/usr/bin/env python3
"""Every check of this folder fails on a tree that is broken in its way, and passes on the mended one."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "corpus"))
import table  # noqa: E402

TEXT_IS_TEXT = "tests/base/text_test.cpp: text is text"
ROWS = [table.Row(id, "E", "pass", "an attempt", TEXT_IS_TEXT, "") for id in table.IDS]
ROWS[1] = ROWS[1]._replace(state="part", missing="the rest")
ROWS[2] = ROWS[2]._replace(state="pending", evidence="", missing="egress: there is none")


def lines_of(rows):
    return "\n".join("\t".join(row) for row in [table.COLUMNS, *rows]) + "\n"


def changed(index, **fields):
    return lines_of([*ROWS[:index], ROWS[index]._replace(**fields), *ROWS[index + 1:]])


GOOD = {
    "include/faas/error.hpp": "#pragma once\n",
    "lib/base/text.cpp": '#include "base/text.hpp"\n',
    "lib/base/text.hpp": "#pragma once\n",
    "tests/base/text_test.cpp": 'TEST_CASE("text is text") {}\n',
    "tests/lint/mirror.txt": "",
    "scripts/go": "#!/bin/sh\necho Usage: go\n",
    "SPECIFICATION.md": "| promise | shown by | tier |\n|---|---|---|\n"
                        "| text | `tests/base/text_test.cpp: text is text` | 1 |\n",
    "tests/corpus/rows.tsv": lines_of(ROWS),
    "SECURITY.md": f"# Security\n{table.render(ROWS)}\n",
    "cases.log": f"pass\t{TEXT_IS_TEXT}\n",
}
CORPUS = "../corpus/table"
CORPUS_LOG = "../corpus/table --complete --log ROOT/cases.log"
# check, file, content that breaks it, words of the complaint
BROKEN = [
    ("layers", "lib/base/a.cpp", '#include "sys/fd.hpp"\n', "base may not include"),
    ("layers", "lib/sandbox/a.cpp", '#include "code/zip.hpp"\n', "sandbox may not include"),
    ("layers", "lib/store/a.cpp", "#include <boost/asio/post.hpp>\n", "store may not include"),
    ("layers", "lib/scheduler/a.cpp", "#include <thread>\n", "does no I/O"),
    ("layers", "lib/code/a.cpp", "#include <faas/runtime.hpp>\n", "code may not include"),
    ("layers", "lib/http/a.cpp", '#include "runtime/runtime.hpp"\n', "http may not include"),
    ("layers", "lib/base/a.cpp", '#include "text.hpp"\n', "write \"module/file.hpp\""),
    ("layers", "lib/extra/a.cpp", "\n", "not in the table"),
    ("layers", "lib/code/CMakeLists.txt", "faas_module(code SOURCES a.cpp DEPS base store)\n", "may not link store"),
    ("layers", "include/faas/error.hpp", '#include "base/text.hpp"\n', "includes <faas/…> only"),
    ("layers", "include/faas/error.hpp", "#include <faas/runtime.hpp>\n", "error.hpp may not include"),
    ("layers", "include/faas/sandbox.hpp", "#include <boost/asio/post.hpp>\n", "may not include"),
    ("layers", "include/faas/faas.hpp", "#include <faas/http_server.hpp>\n", "does not include http_server"),
    ("layers", "examples/a.cpp", '#include "sys/fd.hpp"\n', "sees include/faas only"),
    ("layers", "tools/faasd/a.cpp", "#include <sqlite3.h>\n", "in tools/faasd"),
    ("layers", "lib/http/a.hpp", "void f() { http::async_read(s, b, m); }\n", "in a header"),
    ("format", "lib/base/text.cpp", "int  a;\n", "run clang-format-14"),
    ("words", "README.md", "See ../shared/design.\n", "outside of the tree"),
    ("words", "README.md", "See `/data/machine/x`.\n", "no directory that every Linux has"),
    ("words", "lib/base/text.cpp", f'auto p = "{pathlib.Path.home()}/x/y";\n' if str(pathlib.Path.home()) != "/root"
     else "// TODO(now): mend\n", ""),
    ("words", "lib/base/text.cpp", "int a;\n" * 1001, "needs a split"),
    ("braces", "lib/base/text.cpp", 'auto f() { co_await deploy({.name = "a"}); }\n', "braced aggregate"),
    ("braces", "lib/base/text.cpp", 'auto f() { co_await g(1,\n  F{.a = "b"}); }\n', "braced aggregate"),
    ("braces", "lib/base/text.cpp", 'auto f() { co_await g(h(Error{Errc::io, "b"})); }\n', "braced aggregate"),
    ("braces", "lib/base/text.cpp", "auto f() { co_await g(std::vector<F>{a}); }\n", "braced aggregate"),
    ("braces", "lib/base/text.cpp", "auto f() { co_await g([x = 1] { h(x); }); }\n", "lambda with captures"),
    ("braces", "README.md", "```cpp\nco_await deploy({.name = 1});\n```\n", "in an example"),
    ("headers", "include/faas/error.hpp", "std::string a();\n", "error.hpp"),
    ("headers", "include/faas/error.hpp", "inline int a;\n", "redefinition"),
    ("mirror", "lib/base/new.cpp", "\n", "no tests/base/new_test.cpp"),
    ("mirror", "tests/lint/mirror.txt", "lib/base/gone.cpp: - it went away\n", "nothing needs"),
    ("mirror", "tests/lint/mirror.txt", "lib/base/text.cpp: - tested elsewhere\n", "take its line out"),
    ("mirror", "tests/lint/mirror.txt", "lib/base/*.cpp: tests/base/gone_test.cpp\n", "nothing needs"),
    ("specification", "SPECIFICATION.md", GOOD["SPECIFICATION.md"].replace("is text`", "is gone`"), "has no case"),
    ("specification", "SPECIFICATION.md", GOOD["SPECIFICATION.md"].replace("base/", "gone/"), "does not exist"),
    ("specification", "SPECIFICATION.md", "nothing\n", "no table"),
    ("specification", "SPECIFICATION.md", GOOD["SPECIFICATION.md"].replace("| 1 |", "| 9 |"), "none of 1, 2, 3"),
    (CORPUS, "tests/corpus/rows.tsv", lines_of(ROWS[1:]), "A1 is missing or moved"),
    (CORPUS, "tests/corpus/rows.tsv", lines_of([*ROWS, ROWS[0]]), "the end is missing or moved"),
    (CORPUS, "tests/corpus/rows.tsv", lines_of([ROWS[1], ROWS[0], *ROWS[2:]]), "A1 is missing or moved"),
    (CORPUS, "tests/corpus/rows.tsv", lines_of(ROWS).replace("\t", " "), "separated by tabs"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, evidence=TEXT_IS_TEXT[:-1]), "has no case 'text is tex'"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, evidence="tests/base/gone_test.cpp: x"), "is no test file"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, evidence=""), "is 'pass' has evidence"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, missing="half of it"), "nothing missing"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, state="vm"), "a test of tests/vm"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, state="good"), "is none of pass"),
    (CORPUS, "tests/corpus/rows.tsv", changed(1, missing=""), "something missing"),
    (CORPUS, "tests/corpus/rows.tsv", changed(2, missing="sandboxes: none"), "none of the features"),
    (CORPUS, "tests/corpus/rows.tsv", changed(0, attempt="another"), "its table is not that of"),
    (CORPUS, "SECURITY.md", "# Security\n", "the marks around the table are gone"),
    (CORPUS, "include/faas/error.hpp", "#pragma once\nstruct Egress;\n", "egress cannot be pending"),
    (CORPUS, "tests/base/text_test.cpp", 'TEST_CASE("text is not") {}\n', "has no case 'text is text'"),
    (CORPUS, "tests/corpus/a_test.cpp", 'TEST_CASE("A1, A2: text") {}\n', "is not in the row A2"),
    (CORPUS_LOG, "cases.log", f"pass\t{TEXT_IS_TEXT}\nFAIL\t{TEXT_IS_TEXT}\n", "failed: tests/base"),
    (CORPUS_LOG, "cases.log", f"skip\t{TEXT_IS_TEXT}\n", "never ran: tests/base"),
    ("help", "scripts/go", "#!/bin/sh\n", "status 0"),
    ("help", "scripts/go", "#!/bin/sh\nexit 3\n", "status 3"),
    ("ambient", "lib/base/text.cpp", 'auto h = std::getenv("HOME");\n', "the environment"),
    ("ambient", "lib/base/text.cpp", 'void f() { std::cerr << 1; }\n', "a standard stream"),
    ("ambient", "lib/base/text.cpp", 'void f() { sigaction(SIGCHLD, &a, nullptr); }\n', "a signal"),
]


def write(root, path, content):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)
    if path.startswith("scripts/"):
        os.chmod(root / path, 0o755)


def run(check, root):
    script, *options = check.replace("ROOT", str(root)).split()
    done = subprocess.run([sys.executable, HERE / f"{script}.py", "--root", root, *options],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main():
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, content in GOOD.items():
            write(root, path, content)
        for check in sorted({case[0] for case in BROKEN}):
            status, output = run(check, root)
            if status not in (0, 77):
                problems.append(f"{check} fails on a good tree:\n{output}")
            if status == 77:
                print(output, end="")
        for check, path, content, words in BROKEN:
            before = GOOD.get(path)
            write(root, path, content)
            status, output = run(check, root)
            if status != 77 and (status != 1 or words not in output):
                problems.append(f"{check} does not see {path} = {content[:50]!r}: status {status}\n{output}")
            if before is None:
                (root / path).unlink()
            else:
                write(root, path, before)
    for problem in problems:
        print(problem)
    print(f"{len(BROKEN)} broken trees, {len(problems)} not seen")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
