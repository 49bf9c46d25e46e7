#!/usr/bin/env python3
"""Every operation that faasd has, through raw HTTP and Debian's SDK for Python, step by step as the model says; and
every operation it does not have is an unknown one."""

import re

import fixture
import operations
import scenario
import service
from clients import Boto3
from judge import Judge
from wire import Refusal, Wire

fixture.be_a_client()
SERVICE = service.found()


class OperationsCase(fixture.Case):
    def setUp(self):
        self.wire = Wire(self.daemon.url, SERVICE)
        self.addCleanup(self.wire.close)

    def round(self, client):
        """The whole scenario; every operation must have come by."""
        self.addCleanup(client.close)
        judge = Judge(client, self.wire)
        scenario.play(judge, operations.ours())
        judge.look_at_account()
        self.assertEqual(set(), judge.missed(), f"{client.name} did not do these")
        fixture.note(client.name, judge.done)


class RawHttp(OperationsCase):
    def test_every_operation_and_every_reply_is_one_that_the_service_describes(self):
        self.round(Wire(self.daemon.url, SERVICE))


class SdkForPython(OperationsCase):
    def test_every_operation(self):
        self.round(Boto3(self.daemon.url))


class UnknownOperations(OperationsCase):
    def test_an_operation_that_is_not_here_is_unknown_in_any_form_of_its_path(self):
        others = [operation for operation in operations.every() if not operation.ours]
        self.assertIn("CreateEventSourceMapping", {operation.name for operation in others})
        for operation in others:
            path, _, query = re.sub(r"\{\w+\}", "any", operation.path).partition("?")
            for form in (path, path + "/"):
                with self.subTest(operation.name, path=form):
                    self.refused_as_unknown(operation, f"/{operation.date}/{form}" + (f"?{query}" if query else ""))

    def refused_as_unknown(self, operation, path):
        with self.assertRaises(Refusal) as refusal:
            self.wire.judged(operation.name, operation.method, path, {"Content-Type": "application/json"}, b"{}")
        self.assertEqual(("UnknownOperationException", 404), (refusal.exception.name, refusal.exception.status))

    def test_the_list_of_operations_is_the_one_of_the_service(self):
        listed = {operation.name for operation in operations.every()}
        described = set(SERVICE.operations)
        self.assertEqual(85, len(listed))
        self.assertEqual(set(), described - listed)
        if SERVICE.newest:
            self.assertEqual(listed, described)


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("operations", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("operations")
