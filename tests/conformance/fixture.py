"""What the tests of this folder share: a faasd of their own, zips to deploy, and how a program of tests ends."""

import argparse
import io
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

HERE = pathlib.Path(__file__).parent
FUNCTIONS = HERE / "functions"
ROLE = "arn:aws:iam::000000000000:role/any"
SYNC_LIMIT = 6_291_456
# The interpreter that runs the tests is Debian's, and so is the one of the functions.
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

# All that a client may know: no home, no settings of whoever runs the tests, no proxy, no second attempt.
CLIENT_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_PAGER": "",
    "NO_PROXY": "127.0.0.1",
}


def be_a_client():
    """This process has the environment of a client, and of the tests' own settings."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("FAAS_")}
    os.environ.clear()
    os.environ.update(CLIENT_ENVIRONMENT | kept)


arguments = argparse.Namespace(faasd=None, cache=None)


class Daemon:
    """A faasd on a port of its own, with a state directory of its own unless one is given."""

    def __init__(self, *flags, state=None, environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="faas-conformance-")
        place = pathlib.Path(self.folder.name)
        self.out, self.err = place / "out", place / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [arguments.faasd, "serve", "--listen", "127.0.0.1:0", "--state", state or place / "state",
                 "--allow-degraded", *flags],
                env={"PATH": CLIENT_ENVIRONMENT["PATH"], "HOME": self.folder.name, **(environment or {})},
                stdout=out, stderr=err)
        try:
            self.url = self.listening_on()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.folder.cleanup()
            raise

    def listening_on(self):
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            if said := re.search(r"listening on (\S+)\n", self.out.read_text()):
                return said.group(1)
            time.sleep(0.02)
        raise AssertionError(f"faasd did not start: {self.err.read_text()}")

    def stop(self):
        """Its exit status after SIGTERM; what it said on the way."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f"none within 60 s; killed: {self.process.wait()}"
        said = self.err.read_text(errors="replace")
        self.folder.cleanup()
        return status, said


class Case(unittest.TestCase):
    """Tests of one class share a daemon, which must have survived them and must end cleanly."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.stop_daemon)

    @classmethod
    def stop_daemon(cls):
        gone = cls.daemon.process.poll()
        status, said = cls.daemon.stop()
        if gone is not None or status != 0:
            raise AssertionError(f"faasd: exit status {status}, {'too early' if gone is not None else 'on SIGTERM'}:\n"
                                 f"{said}")


def zip_of(files):
    """A zip of {path: bytes, text, or a path to read}; bootstrap is executable."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            executable = name == "bootstrap"
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content.read_bytes() if isinstance(content, pathlib.Path) else content)
    return packed.getvalue()


def python_zip(source=None):
    """The Python function of these tests, or one of this text."""
    return zip_of({"app.py": source or FUNCTIONS / "app.py"})


def json_string(size):
    """A JSON string of so many bytes."""
    return b'"' + b"a" * (size - 2) + b'"'


def note(client, done):
    """Keeps which operations a client was seen to do, for report.py."""
    if arguments.cache:
        folder = arguments.cache / "seen"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / client).write_text("".join(f"{operation}\n" for operation in sorted(done)))


def skip_all(name, why):
    """77 is a skip to ctest; where everything must run it is a failure."""
    print(f"SKIP: {name}: {why}")
    sys.exit(1 if os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1" else 77)


class Result(unittest.TextTestResult):
    """Counts what passed: a class that is skipped as a whole is no test that ran."""
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(name):
    """Runs the tests of the program and ends it: 0, 1, or 77 if all of them were skipped."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--faasd", type=pathlib.Path, required=True, help="the daemon under test")
    parser.add_argument("--cache", type=pathlib.Path, help="where what was fetched and built stays")
    parser.add_argument("tests", nargs="*", help="names of tests or classes; all if none is given")
    parser.parse_args(namespace=arguments)
    module = sys.modules["__main__"]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(arguments.tests, module) if arguments.tests else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    for test, why in result.skipped:
        print(f"SKIP: {name}: {test}: {why}")
    required = os.environ.get("FAAS_TEST_REQUIRE_ALL") == "1"
    if not result.wasSuccessful() or not (result.passed or result.skipped) or (result.skipped and required):
        sys.exit(1)
    sys.exit(0 if result.passed else 77)
