#!/usr/bin/env python3
"""Every operation that faasd has, through raw HTTP and Debian's SDK for Python, step by step as the model says; and
every operation it does not have is an unknown one."""

import json
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
        if SERVICE.newest or client.name != Wire.name:  # Debian's description does not know every operation
            fixture.note(client.name, judge.done)


class RawHttp(OperationsCase):
    def test_every_operation_and_every_reply_is_one_that_the_service_describes(self):
        self.round(Wire(self.daemon.url, SERVICE))


class SdkForPython(OperationsCase):
    def test_every_operation(self):
        self.round(Boto3(self.daemon.url))

    def test_its_waiters_end(self):
        client = Boto3(self.daemon.url)
        self.addCleanup(client.close)
        judge = Judge(client, self.wire)
        judge.step("CreateFunction", FunctionName="awaited", Code={"ZipFile": scenario.marked("awaited")}, **scenario.BASE)
        for waiter in client.client.waiter_names:
            if waiter.startswith("function_"):
                client.wait(waiter, "awaited")
        judge.step("UpdateFunctionCode", FunctionName="awaited", ZipFile=scenario.marked("anew"))
        client.wait("function_updated_v2", "awaited")
        judge.step("PublishVersion", FunctionName="awaited")
        client.client.get_waiter("published_version_active").wait(FunctionName="awaited", Qualifier="1")
        judge.step("DeleteFunction", FunctionName="awaited")


class Pages(OperationsCase):
    """Whatever is listed is there once, in pages of any size."""
    LISTS = {"ListVersionsByFunction": ({"FunctionName": "f"}, "Versions", "Version"),
             "ListAliases": ({"FunctionName": "f"}, "Aliases", "Name"),
             "ListFunctionEventInvokeConfigs": ({"FunctionName": "f"}, "FunctionEventInvokeConfigs", "FunctionArn"),
             "ListProvisionedConcurrencyConfigs": ({"FunctionName": "f"}, "ProvisionedConcurrencyConfigs", "FunctionArn"),
             "ListFunctions": ({}, "Functions", "FunctionName"), "ListLayers": ({}, "Layers", "LayerName"),
             "ListLayerVersions": ({"LayerName": "layer-1"}, "LayerVersions", "Version")}

    def make(self):
        for number in range(1, 4):
            self.wire.call("CreateFunction", {"FunctionName": "f" * number, "Code": {"ZipFile": scenario.marked("one")},
                                              **scenario.BASE})
            for text in ("one", "two", "three"):
                self.wire.call("PublishLayerVersion", {"LayerName": f"layer-{number}",
                                                       "Content": {"ZipFile": scenario.layer(text)}})
        for number in ("1", "2", "3"):
            self.wire.call("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": scenario.marked(f"code {number}"),
                                                  "Publish": True})
            self.wire.call("CreateAlias", {"FunctionName": "f", "Name": f"to-{number}", "FunctionVersion": number})
            self.wire.call("PutFunctionEventInvokeConfig", {"FunctionName": "f", "Qualifier": number,
                                                            "MaximumRetryAttempts": 1})
            self.wire.call("PutProvisionedConcurrencyConfig", {"FunctionName": "f", "Qualifier": f"to-{number}",
                                                               "ProvisionedConcurrentExecutions": 1})

    def pages(self, operation, size):
        """The keys of every page."""
        parameters, member, key = self.LISTS[operation]
        found, page = [], {}
        while not found or "NextMarker" in page:
            page = self.wire.call(operation, {**parameters, "MaxItems": size,
                                              **({"Marker": page["NextMarker"]} if page else {})})
            found.append([item[key] for item in page[member]])
        return found

    def test_pages_of_one_and_of_two_are_the_whole(self):
        self.make()
        for operation in self.LISTS:
            with self.subTest(operation):
                whole, = self.pages(operation, 50)
                self.assertEqual(len(whole), len(set(whole)))
                self.assertIn(len(whole), (3, 4))
                self.assertEqual([[each] for each in whole], self.pages(operation, 1))
                self.assertEqual([whole[:2], whole[2:]], self.pages(operation, 2))
                for marker in ("!", "Z" * 4000, "bm90aGluZw=="):
                    self.marker(operation, marker)

    def marker(self, operation, marker):
        """A marker that was never given is refused, or is a place in the list; nothing worse."""
        try:
            self.wire.call(operation, {**self.LISTS[operation][0], "Marker": marker})
        except Refusal as refusal:
            self.assertEqual(400, refusal.status)


class Limits(OperationsCase):
    """Our own words for why a call is refused."""

    def test_what_a_throttled_call_is_told_is_among_the_limits_of_its_function(self):
        self.wire.call("CreateFunction", {"FunctionName": "f", "Code": {"ZipFile": scenario.marked("one")}, "Publish": True,
                                          **scenario.BASE})
        self.assertNotIn("ReservedConcurrency", self.limits("f"))
        self.wire.call("PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 0})
        limit = self.limits("f")["ReservedConcurrency"]
        self.assertEqual(limit, self.limits("f?Qualifier=1")["ReservedConcurrency"])
        self.assertEqual((0, 0), (limit["Value"], limit["Used"]))
        for qualifier in ("", "?Qualifier=1"):
            with self.assertRaises(Refusal):
                self.wire.judged("Invoke", "POST", f"/2015-03-31/functions/f/invocations{qualifier}", {}, b"{}")
            _, _, body = self.wire.exchange("POST", f"/2015-03-31/functions/f/invocations{qualifier}", {}, b"{}")
            why = json.loads(body)["why"]
            self.assertIn(limit["Source"], why)
            self.assertRegex(why, r"\b0 calls at once")

    def limits(self, name):
        """{name: limit}; each has every member, with what it is counted in and where it was set."""
        path, _, query = name.partition("?")
        status, _, body = self.wire.exchange("GET", f"/faas/v1/functions/{path}/limits" + (f"?{query}" if query else ""))
        self.assertEqual(200, status, body)
        told = json.loads(body)
        self.assertEqual(({"FunctionName", "Limits"}, path), (set(told), told["FunctionName"]))
        for limit in told["Limits"]:
            self.assertEqual({"Name", "Value", "Used", "Unit", "Source"}, set(limit))
            self.assertTrue(limit["Unit"] and limit["Source"], limit)
        return {limit["Name"]: limit for limit in told["Limits"]}

    def test_the_limits_of_nobody_are_not_found(self):
        self.assertEqual(404, self.wire.exchange("GET", "/faas/v1/functions/nobody/limits")[0])


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
