"""What faasd writes about itself agrees with what it takes: the manual page, and the completions of shells."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

COMPLETE = """
source "$PAGES/completion"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_faasd
printf '%s\\n' "${COMPREPLY[@]}"
"""


def faasd(*words):
    return subprocess.run([fixture.arguments.faasd.resolve(), *words], capture_output=True, text=True, check=True,
                          timeout=30).stdout


def listed(text):
    """Names of commands in a --help, and flags."""
    return re.findall(r"(?m)^  ([a-z]+) {2,}\S", text), re.findall(r"(?m)^  (?:-\w,)?(--[a-z0-9-]+)", text)


def commands():
    """Of --help, as a person reads it: {command: flags}, of one with commands of its own each of those."""
    out = {}
    for name in listed(faasd("--help"))[0]:
        inner, flags = listed(faasd(name, "--help"))
        # A positional has a line of the same form as a command, and a type where that has none.
        inner = [word for word in inner if "SUBCOMMAND" in faasd(name, "--help").split("\n")[1]]
        for further in inner:
            out[f"{name} {further}"] = listed(faasd(name, further, "--help"))[1]
        if not inner:
            out[name] = flags
    return out


class Manual(fixture.unittest.TestCase):
    def test_every_command_and_flag_is_in_the_manual_and_none_that_is_not_there(self):
        page = faasd("man").replace("\\-", "-")
        there = commands()
        self.assertGreater(len(there), 18)
        for name, flags in there.items():
            found = re.search(rf"(?ms)^\\fBfaasd {name}\\fR.*?^\.RE$", page)
            self.assertTrue(found, name)
            told = re.findall(r"\\fB(--[a-z0-9-]+)\\fR", found.group(0))
            self.assertEqual(sorted(told), sorted(flag for flag in flags if flag != "--help"), name)
        self.assertEqual(len(re.findall(r"(?m)^\\fBfaasd [a-z ]+\\fR.*OPTIONS", page)), len(there))
        for section in ("NAME", "SYNOPSIS", "FILE FORMAT", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"):
            self.assertIn(f".SH {section}\n", page)

    def test_the_manual_is_clean_for_the_program_that_sets_it(self):
        if not shutil.which("groff"):
            fixture.skip_all("pages", "groff is missing (scripts/setup --tests)")
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-rLL=100n"], input=faasd("man"), capture_output=True,
                              text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("faasd alias hello live 1 --weight 2=10", re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout))


class Completion(fixture.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)
        (self.place / "completion").write_text(faasd("completion", "bash"))
        (self.place / "app").mkdir()
        (self.place / "a file.yaml").touch()

    def complete(self, *words):
        """What bash offers for the last word."""
        done = subprocess.run(["bash", "-c", COMPLETE, "bash", str(fixture.arguments.faasd.resolve()), *words],
                              capture_output=True, text=True, timeout=30, cwd=self.place,
                              env={"PATH": "/usr/bin:/bin", "PAGES": str(self.place), "FAASD_URL": self.daemon.url})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line for line in done.stdout.splitlines() if line]

    def test_bash_completes_commands_and_flags(self):
        self.assertEqual(sorted(self.complete("")), sorted({name.split()[0] for name in commands()}))
        self.assertEqual(self.complete("ver"), ["versions", "version"])
        for name, flags in commands().items():
            self.assertEqual(sorted(self.complete(*name.split(), "--")), sorted(flags), name)
        self.assertEqual(self.complete("logs", "f", "--f"), ["--follow"])

    def test_bash_completes_names_of_functions_by_asking_the_daemon(self):
        for name in ("hello", "help-me", "other"):
            source = self.place / "src"
            source.mkdir(exist_ok=True)
            (source / "app.py").write_text("def handler(event, context): pass\n")
            faasd("deploy", "--url", self.daemon.url, name, str(source), "--runtime", fixture.PYTHON)
        self.assertEqual(self.complete("invoke", "hel"), ["hello", "help-me"])
        self.assertEqual(self.complete("alias", "--url", self.daemon.url, "o"), ["other"])
        self.assertEqual(self.complete("alias", "hello", ""), [])  # the second word is no function
        self.assertEqual(self.complete("export", "hello", "o"), ["other"])

    def test_bash_completes_files_where_files_are_meant(self):
        self.assertEqual(self.complete("apply", "a"), ["app", "a file.yaml"])
        self.assertEqual(self.complete("export", "--code", "a"), ["app"])
        self.assertEqual(self.complete("export", "--code", "=", "a"), ["app"])
        self.assertEqual(self.complete("deploy", "name", "ap"), ["app"])
        self.assertEqual(self.complete("deploy", "name", "app", "--memory", ""), [])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])

    def test_other_shells_take_what_is_written_for_them(self):
        for shell in ("bash", "zsh", "fish"):
            script = faasd("completion", shell)
            for name, flags in commands().items():
                self.assertIn(name.split()[-1], script)
                for flag in flags:
                    self.assertRegex(script, rf"(-l {flag[2:]}|{flag})\b")
            if shutil.which(shell):  # bash always is
                file = self.place / shell
                file.write_text(script)
                subprocess.run([shell, "-n", file], check=True, timeout=30)


if __name__ == "__main__":
    fixture.main("pages")
