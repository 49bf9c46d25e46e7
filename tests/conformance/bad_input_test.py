#!/usr/bin/env python3
"""What no client should send is refused in Lambda's words, and leaves nothing: broken constraints, names, bodies, half
requests, changes at the same time."""

import concurrent.futures
import os
import pathlib
import re
import socket
import time
import urllib.parse

import fixture
import operations
import service
import violations
from model import STALE, function_arn
from packages import layer, marked
from scenario import BASE
from wire import Refusal, Wire

fixture.be_a_client()
SERVICE = service.found()
# What faasd does not have, it says so of before it looks closer: "not available", in an InvalidParameterValueException.
UNAVAILABLE = re.compile(r"code\.|code$|s3|architectures|codeSigningConfigArn|durableConfig|durableExecutionName|"
                         r"fileSystemConfigs|imageConfig|loggingConfig\.(logFormat|\w+Level)|packageType|publishTo|"
                         r"snapStart|sourceKMSKeyArn|tenancyConfig|capacityProviderConfig|runtimeVersionArn|content\.s3")
# Without the one member that makes them something they say nothing, and are ignored.
EMPTY = {"tenancyConfig.tenantIsolationMode", "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig"}


class BadInputCase(fixture.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wire = Wire(cls.daemon.url, SERVICE)
        wire.call("CreateFunction", {"FunctionName": "f", "Code": {"ZipFile": marked("one")}, **BASE})
        wire.call("PublishVersion", {"FunctionName": "f"})
        wire.call("CreateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"})
        if "PublishLayerVersion" in operations.ours():
            wire.call("PublishLayerVersion", {"LayerName": "l", "Content": {"ZipFile": layer("one")}})
        wire.close()

    def setUp(self):
        self.wire = Wire(self.daemon.url, SERVICE)
        self.addCleanup(self.wire.close)

    def refused(self, operation, **parameters):
        """(name, status, message) of a refusal; it must be one."""
        with self.assertRaises(Refusal) as refusal:
            self.wire.call(operation, parameters)
        return refusal.exception

    def state(self):
        """Every file of the state directory with its size but for the database's log, which may wait to be applied."""
        place = pathlib.Path(self.daemon.folder.name) / "state"
        return {str(path.relative_to(place)): path.stat().st_size for path in sorted(place.rglob("*"))
                if path.is_file() and not path.name.startswith("faas.db")}

    def settled_state(self):
        """The same once nothing changes any more."""
        before = self.state()
        for _ in range(200):
            time.sleep(0.05)
            after = self.state()
            if before == after:
                return after
            before = after
        raise AssertionError("the state directory does not come to rest")


class Constraints(BadInputCase):
    def test_each_constraint_of_each_member_is_a_validation_error_at_that_member(self):
        broken = list(violations.every(SERVICE, operations.ours() & set(SERVICE.operations)))
        self.assertGreater(len(broken), 250)
        for violation in broken:
            if violation.member in EMPTY and violation.must == "not be null":
                continue
            with self.subTest(str(violation)):
                self.check(violation)

    def check(self, violation):
        try:
            reply = self.wire.call(violation.operation, violation.parameters)
        except Refusal as refusal:
            self.check_words(violation, refusal)
            return
        if violation.operation == "CreateFunction":
            self.wire.call("DeleteFunction", {"FunctionName": "new"})
        self.fail(f"it was done: {reply}")

    def check_words(self, violation, refusal):
        self.assertEqual(400, refusal.status, refusal)
        if refusal.name == "InvalidParameterValueException" and UNAVAILABLE.match(violation.member):
            return
        self.assertEqual("ValidationException", refusal.name, refusal)
        begins = f"1 validation error detected: Value .* at '{re.escape(violation.member)}"
        # A text may break two constraints of its member at once: either is told. Of a number there is only one.
        numbers = re.search("value (greater|less)", violation.must) and violation.member != "memorySize"
        must = (".*" if violation.inside else "") + (re.escape(violation.must) if numbers else "")
        self.assertRegex(refusal.message, f"(?s)^{begins}.*' failed to satisfy constraint: (Member('s keys)?|Map keys) must {must}")

    def test_every_operation_of_ours_has_a_request_to_break(self):
        self.assertEqual(set(), operations.ours() - set(violations.RIGHT))

    def test_lengths_are_of_characters(self):
        self.wire.call("UpdateFunctionConfiguration", {"FunctionName": "f", "Description": "é" * 256})
        self.assertEqual("ValidationException", self.refused("UpdateFunctionConfiguration", FunctionName="f",
                                                             Description="é" * 257).name)

    def test_a_value_of_another_type_is_refused(self):
        wrong = {"string": [1, True, {}, []], "integer": ["1", 1.5, True, {}], "structure": ["text", [], 1],
                 "list": ["text", {}, 1], "map": ["text", [], 1], "boolean": ["true", 1, {}], "blob": [1, {}, []]}
        for operation in sorted(operations.ours() & set(SERVICE.operations)):
            for name, member in SERVICE.input(operation)["members"].items():
                if "location" in member or name == SERVICE.input(operation).get("payload"):
                    continue
                for value in wrong.get(SERVICE.shape(member)["type"], ()):
                    with self.subTest(operation, member=name, value=value):
                        refusal = self.refused(operation, **{**violations.RIGHT[operation], name: value})
                        self.assertIn((refusal.name, refusal.status), {
                            ("SerializationException", 400), ("ValidationException", 400),
                            ("InvalidParameterValueException", 400)})


class Names(BadInputCase):
    """O11: a name is never a part of a path, and never somebody else's."""
    NAMES = ("..", "../f", "..\\f", ".", "/", "f/../f", "f\0", "f\n", "f%00", "%2e%2e%2f", "fünf", "ｆ", "f f", "f!", "-" * 141,
             "f" * 141, "f" * 65, "f:", ":", ":1", "f:1:2", "f:$LATEST:1", "$LATEST", "f:$latest", "f:$LATEST.PUBLISHED",
             "arn:aws:lambda:us-east-1:999999999999:function:f", "999999999999:function:f",
             "arn:aws:lambda:eu-west-9:000000000000:function:f", "arn:aws:s3:us-east-1:000000000000:function:f",
             "arn:aws:lambda:us-east-1:000000000000:layer:f", "arn:aws:lambda:us-east-1:00000000000:function:f")

    def test_a_name_that_is_none_is_refused_by_every_operation_and_leaves_nothing(self):
        before = self.settled_state()
        for operation in sorted(operations.ours() & set(SERVICE.operations)):
            if "FunctionName" not in violations.RIGHT[operation] or operation == "CreateFunction":
                continue
            for name in self.NAMES:
                if operation == "DeleteAlias" and re.search("999999999999|eu-west-9", name):
                    continue  # to delete what is not there is no error
                with self.subTest(operation, name=name):
                    self.assertIn(self.refused(operation, **{**violations.RIGHT[operation], "FunctionName": name}).status,
                                  (400, 403, 404))
        self.assertEqual(before, self.settled_state())

    def test_no_function_gets_such_a_name(self):
        before = self.settled_state()
        for name in (*self.NAMES, "f:live", function_arn("g", "live")):
            if name in ("$LATEST",) or "function:f" in name and name.endswith("function:f"):
                continue
            with self.subTest(name):
                self.assertIn(self.refused("CreateFunction", **{**violations.RIGHT["CreateFunction"], "FunctionName": name}
                                           ).status, (400, 403, 404))
        self.assertEqual(before, self.settled_state())

    def test_raw_paths_are_read_once(self):
        for path in ("/2015-03-31/functions/..%2f..%2fetc", "/2015-03-31/functions/%252e%252e", "/2015-03-31/functions/%2e%2e",
                     "/2015-03-31/functions/%00", "/2015-03-31/functions/f%0d%0aX:1", "/2015-03-31/functions/%zz",
                     "/2015-03-31/functions/f/aliases/..%2flive", "/2015-03-31/functions//configuration",
                     "/2015-03-31/functions/f?Qualifier=..%2f..", "/2017-03-31/tags/..%2f..",
                     "/2018-10-31/layers/..%2fl/versions/1", "/2018-10-31/layers/l/versions/..%2f1"):
            with self.subTest(path):
                status, _, body = self.wire.exchange("GET", path)
                self.assertIn(status, (400, 403, 404), body)


class Bodies(BadInputCase):
    """K16: what a configuration may not be."""
    PATH = "/2015-03-31/functions"

    def post(self, body, operation="CreateFunction"):
        with self.assertRaises(Refusal) as refusal:
            self.wire.judged(operation, "POST", self.PATH, {"Content-Type": "application/json"}, body)
        return refusal.exception

    def test_json_that_is_a_bomb_or_no_object_is_refused(self):
        for body in (b"", b"[]", b"1", b'"text"', b"null", b"{", b'{"FunctionName":"n"', b"\xff\xfe", b"{}" * 2,
                     b"[" * 100_000, b'{"a":' * 100_000, b'{"FunctionName":' + b"9" * 100_000 + b"}",
                     b'{"Timeout":1e999}', b'{"a":"\\ud800"}'):
            with self.subTest(body[:40]):
                self.assertEqual(400, self.post(body).status)

    def test_what_is_out_of_all_bounds_is_named(self):
        right = {**violations.RIGHT["CreateFunction"]}
        for member, words, value in (
                ("Environment", "4KB", {"Variables": {"NAME": "x" * 10_000_000}}),
                ("MemorySize", "memorySize", 1_000_000_000), ("Timeout", "timeout", -1),
                ("MemorySize", "(?i)memorySize", 10**30)):
            with self.subTest(member):
                refusal = self.refused("CreateFunction", **{**right, member: value})
                self.assertEqual(400, refusal.status)
                self.assertRegex(refusal.message, words)


class Changes(BadInputCase):
    def test_a_stale_revision_is_412_and_changes_nothing(self):
        stale = self.wire.call("GetFunctionConfiguration", {"FunctionName": "f"})["RevisionId"]
        self.wire.call("UpdateFunctionConfiguration", {"FunctionName": "f", "Description": "newer"})
        current = self.wire.call("GetFunction", {"FunctionName": "f"})["Configuration"]
        for operation, more in (("UpdateFunctionCode", {"ZipFile": marked("stale")}), ("PublishVersion", {}),
                                ("UpdateFunctionConfiguration", {"Description": "stale"})):
            with self.subTest(operation):
                refusal = self.refused(operation, FunctionName="f", RevisionId=stale, **more)
                self.assertEqual(("PreconditionFailedException", 412, STALE),
                                 (refusal.name, refusal.status, refusal.message))
        self.assertEqual(current, self.wire.call("GetFunction", {"FunctionName": "f"})["Configuration"])

    def test_no_name_reaches_into_a_published_version(self):
        before = self.wire.call("GetFunctionConfiguration", {"FunctionName": "f:1"})
        for name in ("f:1", "f:live", function_arn("f", "1"), "000000000000:function:f:1"):
            for operation, more in (("UpdateFunctionCode", {"ZipFile": marked("other")}),
                                    ("UpdateFunctionConfiguration", {"Description": "other"})):
                with self.subTest(operation, name=name):
                    self.assertEqual(400, self.refused(operation, FunctionName=name, **more).status)
                    self.assertEqual(before, self.wire.call("GetFunctionConfiguration", {"FunctionName": "f:1"}))

    def test_of_changes_at_the_same_time_none_is_lost(self):
        """Everyone counts up in the description, and says on top of which revision."""
        self.wire.call("UpdateFunctionConfiguration", {"FunctionName": "f", "Description": "0"})

        def count(_):
            done, wire = 0, Wire(self.daemon.url, SERVICE)
            for _ in range(40):
                seen = wire.call("GetFunctionConfiguration", {"FunctionName": "f"})
                try:
                    wire.call("UpdateFunctionConfiguration", {
                        "FunctionName": "f", "Description": str(int(seen["Description"]) + 1),
                        "RevisionId": seen["RevisionId"]})
                    done += 1
                except Refusal as refusal:
                    assert refusal.status in (409, 412), refusal
            wire.close()
            return done

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = sum(pool.map(count, range(4)))
        self.assertEqual(str(done), self.wire.call("GetFunctionConfiguration", {"FunctionName": "f"})["Description"])
        self.assertGreater(done, 0)

    def test_changes_at_the_same_time_without_a_revision_are_one_after_the_other_or_conflicts(self):
        def change(number):
            wire = Wire(self.daemon.url, SERVICE)
            done = []
            for step in range(20):
                text = f"{number}.{step}"
                try:
                    wire.call("UpdateFunctionConfiguration", {"FunctionName": "f", "Description": text})
                    done.append(text)
                except Refusal as refusal:
                    assert refusal.status == 409, refusal
            wire.close()
            return done

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(change, range(4)))
        last = self.wire.call("GetFunctionConfiguration", {"FunctionName": "f"})["Description"]
        self.assertIn(last, [texts[-1] for texts in done if texts])

    def test_of_two_who_create_the_same_function_one_does(self):
        for turn in range(10):
            def create(number):
                wire = Wire(self.daemon.url, SERVICE)
                try:
                    wire.call("CreateFunction", {"FunctionName": f"twin-{turn}", "Description": str(number),
                                                 "Code": {"ZipFile": marked("twin")}, **BASE})
                    return number
                except Refusal as refusal:
                    assert (refusal.name, refusal.status) == ("ResourceConflictException", 409), refusal
                    return None
                finally:
                    wire.close()

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                made = [number for number in pool.map(create, range(4)) if number is not None]
            self.assertEqual(1, len(made))
            told = self.wire.call("GetFunctionConfiguration", {"FunctionName": f"twin-{turn}"})
            self.assertEqual(str(made[0]), told["Description"])


class HalfRequests(BadInputCase):
    def half(self, method, path, body):
        """Sends half of a request, and leaves."""
        host = urllib.parse.urlsplit(self.daemon.url).netloc
        address, port = host.split(":")
        with socket.create_connection((address, int(port))) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                               f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:len(body) // 2])
            time.sleep(0.2)

    def test_an_upload_that_ends_halfway_leaves_nothing(self):
        bulk = fixture.zip_of({"bootstrap": "#!/bin/sh\n", "bulk": os.urandom(3_000_000)})
        before, described = self.settled_state(), self.wire.call("GetFunction", {"FunctionName": "f"})["Configuration"]
        uploads = [self.request("CreateFunction", {**violations.RIGHT["CreateFunction"], "FunctionName": "half",
                                                   "Code": {"ZipFile": bulk}}),
                   self.request("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": bulk}),
                   ("PUT", "/faas/v1/packages", bulk)]
        if "PublishLayerVersion" in operations.ours():
            uploads.append(self.request("PublishLayerVersion", {"LayerName": "half", "Content": {"ZipFile": bulk}}))
        for upload in uploads:
            self.half(*upload)
        self.assertEqual(before, self.settled_state())
        self.assertEqual("ResourceNotFoundException", self.refused("GetFunction", FunctionName="half").name)
        self.assertEqual(described, self.wire.call("GetFunction", {"FunctionName": "f"})["Configuration"])

    def request(self, operation, parameters):
        method, path, _, body = SERVICE.request(operation, parameters)
        return method, path, body

    def test_the_same_upload_sent_whole_is_kept(self):
        """What the test above compares would be there."""
        before = self.settled_state()
        self.wire.call("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": marked("another")})
        self.assertNotEqual(before, self.settled_state())


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("bad_input", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("bad_input")
