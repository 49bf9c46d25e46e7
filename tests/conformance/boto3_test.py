#!/usr/bin/env python3
"""The AWS SDK for Python, as Debian has it, drives faasd."""

import base64
import concurrent.futures
import hashlib
import json
import os
import urllib.request

import fixture
import operations
from fixture import PYTHON, ROLE, SYNC_LIMIT, json_string, python_zip, zip_of

fixture.be_a_client()
try:
    import boto3
    import botocore.config
    import botocore.exceptions
except ImportError as missing:
    fixture.skip_all("boto3", f"{missing} (scripts/setup --tests=2)")


class Boto3Case(fixture.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = boto3.client("lambda", endpoint_url=cls.daemon.url, config=botocore.config.Config(
            read_timeout=60, retries={"total_max_attempts": 1}))

    def create(self, name, zipped=None, **settings):
        settings = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 20, **settings}
        return self.client.create_function(FunctionName=name, Code={"ZipFile": zipped or python_zip()}, **settings)

    def call(self, name, event, **more):
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        answer["Payload"] = json.loads(answer["Payload"].read())
        return answer

    def value(self, name, event):
        answer = self.call(name, event)
        self.assertNotIn("FunctionError", answer, answer["Payload"])
        return answer["Payload"]

    def assert_refused(self, code, status, operation, **parameters):
        with self.assertRaises(botocore.exceptions.ClientError) as refusal:
            operation(**parameters)
        response = refusal.exception.response
        self.assertEqual((code, status), (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]))
        self.assertTrue(response["Error"]["Message"])
        return response["Error"]["Message"]


class Functions(Boto3Case):
    def test_a_created_function_becomes_active_and_answers(self):
        zipped = python_zip()
        made = self.create("made", zipped, Description="the first", MemorySize=256, Timeout=7)
        self.assertEqual(201, made["ResponseMetadata"]["HTTPStatusCode"])
        self.assertEqual("arn:aws:lambda:us-east-1:000000000000:function:made", made["FunctionArn"])
        self.assertEqual((PYTHON, "app.handler", ROLE, "the first", 256, 7, "$LATEST", "Zip", ["x86_64"]),
                         tuple(made[key] for key in ("Runtime", "Handler", "Role", "Description", "MemorySize",
                                                     "Timeout", "Version", "PackageType", "Architectures")))
        self.assertEqual(base64.b64encode(hashlib.sha256(zipped).digest()).decode(), made["CodeSha256"])
        self.assertEqual(len(zipped), made["CodeSize"])
        self.client.get_waiter("function_exists").wait(FunctionName="made")
        self.client.get_waiter("function_active_v2").wait(FunctionName="made")
        self.assertEqual("Active", self.client.get_function(FunctionName="made")["Configuration"]["State"])
        self.assertEqual({"a": [1, None, "é"]}, self.value("made", {"a": [1, None, "é"]})["echo"])

    def test_a_name_that_is_taken_is_a_conflict(self):
        self.create("taken")
        self.assert_refused("ResourceConflictException", 409, self.create, name="taken")

    def test_new_code_answers_the_next_call(self):
        before = self.create("code")
        self.value("code", {"warm": "it"})
        zipped = python_zip("def handler(event, context):\n    return 'new'\n")
        after = self.client.update_function_code(FunctionName="code", ZipFile=zipped)
        self.client.get_waiter("function_updated_v2").wait(FunctionName="code")
        self.assertEqual("new", self.value("code", {}))
        self.assertEqual(base64.b64encode(hashlib.sha256(zipped).digest()).decode(), after["CodeSha256"])
        self.assertNotEqual(before["RevisionId"], after["RevisionId"])

    def test_a_dry_run_of_new_code_tells_and_changes_nothing(self):
        self.create("dry")
        zipped = python_zip("def handler(event, context):\n    return 'new'\n")
        told = self.client.update_function_code(FunctionName="dry", ZipFile=zipped, DryRun=True)
        self.assertEqual(len(zipped), told["CodeSize"])
        self.assertEqual({"a": 1}, self.value("dry", {"a": 1})["echo"])

    def test_code_for_another_revision_is_refused(self):
        stale = self.create("stale")["RevisionId"]
        self.client.update_function_configuration(FunctionName="stale", Description="newer")
        self.assert_refused("PreconditionFailedException", 412, self.client.update_function_code,
                            FunctionName="stale", ZipFile=python_zip(), RevisionId=stale)

    def test_a_new_configuration_is_told_and_felt(self):
        self.create("configured", Environment={"Variables": {"COLOUR": "red", "SIZE": "1"}})
        self.assertEqual("red", self.value("configured", {"do": "environment", "name": "COLOUR"}))
        self.client.update_function_configuration(
            FunctionName="configured", Timeout=9, MemorySize=192, Description="blue now",
            Environment={"Variables": {"COLOUR": "blue"}})
        self.client.get_waiter("function_updated").wait(FunctionName="configured")
        told = self.client.get_function_configuration(FunctionName="configured")
        self.assertEqual((9, 192, "blue now", {"COLOUR": "blue"}), (told["Timeout"], told["MemorySize"],
                                                                   told["Description"],
                                                                   told["Environment"]["Variables"]))
        self.assertEqual("blue", self.value("configured", {"do": "environment", "name": "COLOUR"}))
        self.assertIsNone(self.value("configured", {"do": "environment", "name": "SIZE"}))
        context = self.value("configured", {"do": "context"})
        self.assertEqual("192", str(context["memory"]))
        self.assertTrue(5_000 < context["remaining"] <= 9_000, context)

    def test_the_location_of_the_code_gives_the_uploaded_bytes(self):
        zipped = python_zip()
        self.create("kept", zipped, Tags={"team": "blue"})
        got = self.client.get_function(FunctionName="kept")
        with urllib.request.urlopen(got["Code"]["Location"], timeout=10) as answer:
            self.assertEqual(zipped, answer.read())
        self.assertEqual({"team": "blue"}, got["Tags"])

    def test_a_function_is_found_by_every_form_of_its_name(self):
        arn = self.create("forms")["FunctionArn"]
        for form in ("forms", "forms:$LATEST", "000000000000:function:forms", arn, arn + ":$LATEST"):
            with self.subTest(form):
                found = self.client.get_function_configuration(FunctionName=form)
                self.assertEqual("forms", found["FunctionName"])
                self.assertEqual({"a": 1}, self.value(form, {"a": 1})["echo"])

    def test_a_deleted_function_is_gone_at_once(self):
        self.create("gone")
        self.assertEqual(204, self.client.delete_function(FunctionName="gone")["ResponseMetadata"]["HTTPStatusCode"])
        for operation in (self.client.get_function, self.client.get_function_configuration, self.client.invoke,
                          self.client.delete_function):
            self.assert_refused("ResourceNotFoundException", 404, operation, FunctionName="gone")

    def test_bytes_that_are_no_zip_are_refused(self):
        self.assert_refused("InvalidParameterValueException", 400, self.create, name="none", zipped=b"this is no zip")
        self.assert_refused("ResourceNotFoundException", 404, self.client.get_function, FunctionName="none")
        self.create("zipped")
        self.assert_refused("InvalidParameterValueException", 400, self.client.update_function_code,
                            FunctionName="zipped", ZipFile=python_zip()[:-40])
        self.assertEqual({"a": 1}, self.value("zipped", {"a": 1})["echo"])

    def test_a_package_of_forty_megabytes_is_taken_and_a_request_over_70167211_bytes_is_not(self):
        bulk = os.urandom(40_000_000)
        zipped = zip_of({"app.py": fixture.FUNCTIONS / "app.py", "bulk": bulk})
        self.assertEqual(len(zipped), self.create("bulky", zipped)["CodeSize"])
        self.assertEqual({"a": 1}, self.value("bulky", {"a": 1})["echo"])
        message = self.assert_refused("RequestEntityTooLargeException", 413, self.create, name="bulkier",
                                      zipped=zipped + os.urandom(20_000_000))
        self.assertIn("70167211", message)

    def test_a_setting_out_of_its_range_is_refused_by_name(self):
        for setting, value in (("timeout", {"Timeout": 901}), ("memorySize", {"MemorySize": 40_000})):
            with self.subTest(setting):
                self.assertIn(setting, self.assert_refused("ValidationException", 400, self.create, name="wide", **value))

    def test_a_runtime_that_is_not_here_is_refused(self):
        self.assertIn("java21", self.assert_refused("InvalidParameterValueException", 400, self.create,
                                                    name="java", Runtime="java21"))


class Listing(Boto3Case):
    def test_functions_are_listed_in_pages_of_fifty_at_most_and_counted(self):
        names = [f"listed-{number:02}" for number in range(51)]
        zipped = python_zip()
        for name in reversed(names):
            self.create(name, zipped)
        pages = [[function["FunctionName"] for function in page["Functions"]]
                 for page in self.client.get_paginator("list_functions").paginate()]
        self.assertEqual([names[:50], names[50:]], pages)
        pages = list(self.client.get_paginator("list_functions").paginate(
            PaginationConfig={"PageSize": 20, "MaxItems": 45}))
        self.assertEqual([20, 20, 5], [len(page["Functions"]) for page in pages])
        self.assertEqual(names[:45], [f["FunctionName"] for page in pages for f in page["Functions"]])

        settings = self.client.get_account_settings()
        self.assertEqual(51, settings["AccountUsage"]["FunctionCount"])
        self.assertEqual(len(zipped), settings["AccountUsage"]["TotalCodeSize"])  # shared, stored once
        self.assertEqual(1000, settings["AccountLimit"]["ConcurrentExecutions"])


class Calls(Boto3Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.create(cls, "f")

    def test_a_call_tells_the_function_who_it_is_and_the_caller_which_call_it_was(self):
        answer = self.call("f", {"do": "context"}, ClientContext=base64.b64encode(
            b'{"custom": {"k": "v"}}').decode())
        self.assertEqual((200, "$LATEST"), (answer["StatusCode"], answer["ExecutedVersion"]))
        context = answer["Payload"]
        self.assertEqual(answer["ResponseMetadata"]["RequestId"], context["request_id"])
        self.assertEqual("arn:aws:lambda:us-east-1:000000000000:function:f", context["arn"])
        self.assertEqual(("f", "$LATEST", {"k": "v"}), (context["name"], context["version"], context["custom"]))

    def test_a_dry_run_does_not_run_the_function(self):
        before = self.value("f", {"do": "count"})
        answer = self.client.invoke(FunctionName="f", InvocationType="DryRun", Payload=b'{"do": "count"}')
        self.assertEqual((204, b""), (answer["StatusCode"], answer["Payload"].read()))
        self.assertEqual(before + 1, self.value("f", {"do": "count"}))

    def test_the_tail_of_the_log_is_what_this_call_wrote(self):
        self.call("f", {"do": "print", "text": "of another call"})
        answer = self.call("f", {"do": "print", "text": "of this call"}, LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        request = answer["ResponseMetadata"]["RequestId"]
        self.assertRegex(log, rf"(?s)^START RequestId: {request} .*of this call\n.*END RequestId: {request}\n"
                              rf"REPORT RequestId: {request}\tDuration: ")
        self.assertNotIn("of another call", log)
        long = base64.b64decode(self.call("f", {"do": "print", "text": "x" * 9000}, LogType="Tail")["LogResult"])
        self.assertTrue(len(long) <= 4096 and b"xxx" in long and b"REPORT" in long, long[-200:])

    def test_a_call_without_payload_is_a_call(self):
        answer = self.client.invoke(FunctionName="f")
        self.assertNotIn("FunctionError", answer)
        self.assertEqual({}, json.loads(answer["Payload"].read())["echo"])

    def test_a_payload_may_have_6291456_bytes_and_not_one_more(self):
        answer = self.client.invoke(FunctionName="f", Payload=json_string(SYNC_LIMIT))
        self.assertEqual(str(SYNC_LIMIT).encode(), answer["Payload"].read())
        message = self.assert_refused("RequestEntityTooLargeException", 413, self.client.invoke,
                                      FunctionName="f", Payload=json_string(SYNC_LIMIT + 1))
        self.assertIn(str(SYNC_LIMIT), message)
        self.assert_refused("RequestEntityTooLargeException", 413, self.client.invoke,
                            FunctionName="f", Payload=json_string(3 * SYNC_LIMIT))

    def test_an_answer_over_its_limit_is_a_function_error(self):
        self.assertEqual(6_000_000, len(self.value("f", {"do": "long", "bytes": 6_000_000})))
        answer = self.call("f", {"do": "long", "bytes": 6_400_000})
        self.assertEqual((200, "Unhandled", "Function.ResponseSizeTooLarge"),
                         (answer["StatusCode"], answer["FunctionError"], answer["Payload"]["errorType"]))

    def test_a_payload_that_is_not_json_is_refused(self):
        self.assert_refused("InvalidRequestContentException", 400, self.client.invoke,
                            FunctionName="f", Payload=b"{not json")

    def test_an_unknown_function_is_not_found(self):
        for operation in (self.client.invoke, self.client.get_function, self.client.get_function_configuration,
                          self.client.delete_function, self.client.update_function_configuration):
            self.assertIn("nobody", self.assert_refused("ResourceNotFoundException", 404, operation,
                                                        FunctionName="nobody"))
        self.assert_refused("ResourceNotFoundException", 404, self.client.update_function_code,
                            FunctionName="nobody", ZipFile=python_zip())

    def test_an_exception_is_a_function_error_with_status_200(self):
        answer = self.call("f", {"do": "raise", "text": "not today"})
        self.assertEqual((200, "Unhandled"), (answer["StatusCode"], answer["FunctionError"]))
        self.assertEqual(("Refused", "not today"), (answer["Payload"]["errorType"], answer["Payload"]["errorMessage"]))
        self.assertIn("app.py", "".join(answer["Payload"]["stackTrace"]))

    def test_a_process_that_exits_is_a_function_error_and_the_next_call_runs(self):
        answer = self.call("f", {"do": "exit", "status": 3})
        self.assertEqual((200, "Unhandled", "Runtime.ExitError"),
                         (answer["StatusCode"], answer["FunctionError"], answer["Payload"]["errorType"]))
        self.assertIn("exit status 3", answer["Payload"]["errorMessage"])
        self.assertEqual({"a": 1}, self.value("f", {"a": 1})["echo"])

    def test_a_call_past_its_timeout_is_Sandbox_Timedout_and_the_next_call_runs(self):
        self.create("slow", Timeout=1)
        answer = self.call("slow", {"do": "sleep", "seconds": 30})
        self.assertEqual((200, "Unhandled", "Sandbox.Timedout"),
                         (answer["StatusCode"], answer["FunctionError"], answer["Payload"]["errorType"]))
        request = answer["ResponseMetadata"]["RequestId"]
        self.assertEqual(f"RequestId: {request} Error: Task timed out after 1.00 seconds",
                         answer["Payload"]["errorMessage"])
        self.assertEqual({"a": 1}, self.value("slow", {"a": 1})["echo"])

    def test_code_that_does_not_load_is_a_function_error(self):
        self.create("broken", python_zip("import no_such_module\n"))
        answer = self.call("broken", {})
        self.assertEqual((200, "Unhandled", "Runtime.ImportModuleError"),
                         (answer["StatusCode"], answer["FunctionError"], answer["Payload"]["errorType"]))
        self.assertIn("no_such_module", answer["Payload"]["errorMessage"])

    def test_calls_at_the_same_time_each_get_their_own_answer(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: self.value("f", {"number": number})["echo"]["number"], range(40)))
        self.assertEqual(list(range(40)), answers)

    def test_an_asynchronous_call_is_refused_while_we_have_none(self):
        self.assertIn("RequestResponse", self.assert_refused(
            "InvalidParameterValueException", 400, self.client.invoke, FunctionName="f", InvocationType="Event"))


def smallest(shape, depth=0):
    """A value that the client accepts for a shape of the service model: what is required, and no more."""
    kind = shape.type_name
    if kind == "structure":
        return {name: smallest(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [smallest(shape.member, depth + 1)]
    if kind == "map":
        return {smallest(shape.key): smallest(shape.value, depth + 1)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))
    return {"blob": b"x", "boolean": False, "timestamp": 0}.get(kind, max(1, shape.metadata.get("min", 1)))


class OtherOperations(Boto3Case):
    def test_every_operation_we_do_not_have_is_an_unknown_operation(self):
        model = self.client.meta.service_model
        others = sorted(set(model.operation_names) - operations.ours())
        self.assertIn("ListEventSourceMappings", others)
        for name in others:
            with self.subTest(name):
                shape = model.operation_model(name).input_shape
                call = lambda **parameters: self.client._make_api_call(name, parameters)
                self.assert_refused("UnknownOperationException", 404, call, **(smallest(shape) if shape else {}))


if __name__ == "__main__":
    fixture.main("boto3")
