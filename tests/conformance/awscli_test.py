#!/usr/bin/env python3
"""The AWS command line, as Debian has it, drives faasd."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

import fixture
from fixture import PYTHON, ROLE, SYNC_LIMIT, json_string, python_zip

AWS = shutil.which("aws", path="/usr/bin:/usr/local/bin")
REFUSED = 254  # what the command line exits with when the service said no


class AwsCase(fixture.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="faas-awscli-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def run_aws(self, *words):
        return subprocess.run(
            [AWS, "--endpoint-url", self.daemon.url, "--output", "json", "--cli-binary-format", "raw-in-base64-out",
             "lambda", *words],
            cwd=self.folder, env=fixture.CLIENT_ENVIRONMENT | {"HOME": str(self.folder)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)

    def aws(self, *words):
        """What the command prints, as JSON; it must succeed."""
        done = self.run_aws(*words)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def assert_refused(self, code, operation, *words):
        done = self.run_aws(*words)
        self.assertEqual(REFUSED, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"^\s*An error occurred \({code}\) when calling the {operation} operation\b")
        return done.stderr

    def file(self, name, content):
        (self.folder / name).write_bytes(content)
        return f"fileb://{name}"

    def create(self, name, zipped, *words):
        return self.aws("create-function", "--function-name", name, "--runtime", PYTHON, "--handler", "app.handler",
                        "--role", ROLE, "--zip-file", self.file(f"{name}.zip", zipped), *words)

    def call(self, name, event, *words):
        """(what the command printed, what the function answered)."""
        told = self.aws("invoke", "--function-name", name, "--payload", json.dumps(event), *words, "answer.json")
        return told, json.loads((self.folder / "answer.json").read_bytes())


class Functions(AwsCase):
    def test_a_function_is_created_called_changed_and_deleted(self):
        zipped = python_zip()
        made = self.create("hello", zipped, "--timeout", "20", "--environment", "Variables={COLOUR=red}")
        self.assertEqual(base64.b64encode(hashlib.sha256(zipped).digest()).decode(), made["CodeSha256"])
        self.aws("wait", "function-active-v2", "--function-name", "hello")
        told, answer = self.call("hello", {"do": "environment", "name": "COLOUR"})
        self.assertEqual(({"StatusCode": 200, "ExecutedVersion": "$LATEST"}, "red"), (told, answer))

        got = self.aws("get-function", "--function-name", "hello")
        self.assertEqual(("Active", "Successful", made["FunctionArn"]),
                         tuple(got["Configuration"][key] for key in ("State", "LastUpdateStatus", "FunctionArn")))
        with urllib.request.urlopen(got["Code"]["Location"], timeout=10) as location:
            self.assertEqual(zipped, location.read())

        self.aws("update-function-configuration", "--function-name", "hello", "--timeout", "9", "--memory-size", "192",
                 "--environment", "Variables={COLOUR=blue}")
        self.aws("wait", "function-updated", "--function-name", "hello")
        told = self.aws("get-function-configuration", "--function-name", "hello")
        self.assertEqual((9, 192, {"COLOUR": "blue"}),
                         (told["Timeout"], told["MemorySize"], told["Environment"]["Variables"]))
        self.assertEqual("blue", self.call("hello", {"do": "environment", "name": "COLOUR"})[1])

        newer = self.file("newer.zip", python_zip("def handler(event, context):\n    return 'new'\n"))
        changed = self.aws("update-function-code", "--function-name", "hello", "--zip-file", newer)
        self.assertNotEqual(made["CodeSha256"], changed["CodeSha256"])
        self.aws("wait", "function-updated-v2", "--function-name", "hello")
        self.assertEqual("new", self.call("hello", {})[1])

        self.assertIsNone(self.aws("delete-function", "--function-name", "hello"))
        self.assertIn("function:hello", self.assert_refused("ResourceNotFoundException", "GetFunction",
                                                            "get-function", "--function-name", "hello"))

    def test_functions_are_listed_in_pages_and_counted(self):
        names = ["listed-a", "listed-b", "listed-c"]
        for name in names:
            self.create(name, python_zip())
        page = self.aws("list-functions", "--page-size", "1", "--max-items", "2")
        self.assertEqual(names[:2], [function["FunctionName"] for function in page["Functions"]])
        rest = self.aws("list-functions", "--starting-token", page["NextToken"])
        self.assertEqual(names[2:], [function["FunctionName"] for function in rest["Functions"]])
        self.assertNotIn("NextToken", rest)
        self.assertEqual(3, self.aws("get-account-settings")["AccountUsage"]["FunctionCount"])
        for name in names:
            self.aws("delete-function", "--function-name", name)

    def test_a_zip_that_is_none_inside_is_refused(self):
        broken = b"none" + python_zip()[4:]  # the command line itself refuses what has no directory of a zip
        self.assert_refused(
            "InvalidParameterValueException", "CreateFunction", "create-function", "--function-name", "none",
            "--runtime", PYTHON, "--handler", "app.handler", "--role", ROLE, "--zip-file", self.file("none.zip", broken))

    def test_an_operation_we_do_not_have_is_an_unknown_operation(self):
        for command, operation, words in (
                ("list-event-source-mappings", "ListEventSourceMappings", ()),
                ("list-code-signing-configs", "ListCodeSigningConfigs", ()),
                ("get-function-url-config", "GetFunctionUrlConfig", ("--function-name", "any"))):
            with self.subTest(command):
                self.assert_refused("UnknownOperationException", operation, command, *words)


class Calls(AwsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.create(cls(), "f", python_zip(), "--timeout", "2")

    def test_the_tail_of_the_log_is_what_this_call_wrote(self):
        told, _ = self.call("f", {"do": "print", "text": "of this call"}, "--log-type", "Tail")
        self.assertRegex(base64.b64decode(told["LogResult"]).decode(),
                         r"(?s)^START RequestId: .*of this call\nEND RequestId: .*\nREPORT RequestId: ")

    def test_a_dry_run_does_not_run_the_function(self):
        before = self.call("f", {"do": "count"})[1]
        told = self.aws("invoke", "--function-name", "f", "--invocation-type", "DryRun", "answer.json")
        self.assertEqual({"StatusCode": 204}, told)
        self.assertEqual(b"", (self.folder / "answer.json").read_bytes())
        self.assertEqual(before + 1, self.call("f", {"do": "count"})[1])

    def test_a_function_error_is_told_beside_status_200(self):
        told, answer = self.call("f", {"do": "raise", "text": "not today"})
        self.assertEqual((200, "Unhandled"), (told["StatusCode"], told["FunctionError"]))
        self.assertEqual(("Refused", "not today"), (answer["errorType"], answer["errorMessage"]))

    def test_a_call_past_its_timeout_is_Sandbox_Timedout(self):
        told, answer = self.call("f", {"do": "sleep", "seconds": 30})
        self.assertEqual((200, "Unhandled", "Sandbox.Timedout"),
                         (told["StatusCode"], told["FunctionError"], answer["errorType"]))
        self.assertIn("Task timed out after 2.00 seconds", answer["errorMessage"])

    def test_an_unknown_function_is_not_found(self):
        self.assert_refused("ResourceNotFoundException", "Invoke", "invoke", "--function-name", "nobody", "answer.json")

    def test_a_payload_may_have_6291456_bytes_and_not_one_more(self):
        whole = self.file("whole", json_string(SYNC_LIMIT))
        self.aws("invoke", "--function-name", "f", "--payload", whole, "answer.json")
        self.assertEqual(str(SYNC_LIMIT), (self.folder / "answer.json").read_text())
        more = self.file("more", json_string(SYNC_LIMIT + 1))
        self.assertIn(str(SYNC_LIMIT), self.assert_refused(
            "RequestEntityTooLargeException", "Invoke", "invoke", "--function-name", "f", "--payload", more,
            "answer.json"))


if __name__ == "__main__":
    if AWS is None:
        fixture.skip_all("awscli", "the command aws is missing (scripts/setup --tests=2)")
    fixture.main("awscli")
