#!/usr/bin/env python3
"""The calls that Terraform's resource aws_lambda_function makes, in its order, as raw HTTP: a first apply, a plan that
finds nothing to do, a second apply with changes, and the end."""

import time
import urllib.request

import fixture
import service
from model import function_arn
from packages import marked
from scenario import BASE
from wire import Refusal, Wire

fixture.be_a_client()
SERVICE = service.found()
F, G = {"FunctionName": "tf"}, {"FunctionName": "others"}
RESOURCE = {"Resource": function_arn("tf")}


class Terraform(fixture.Case):
    def setUp(self):
        self.wire = Wire(self.daemon.url, SERVICE)
        self.addCleanup(self.wire.close)

    def do(self, operation, **parameters):
        return self.wire.call(operation, parameters)

    def until(self, member, value):
        """As its waiters do: GetFunction until the configuration says so."""
        deadline = time.monotonic() + 30
        while (told := self.do("GetFunction", **F)["Configuration"]).get(member) != value:
            self.assertIn(told.get(member), (None, "Pending", "InProgress"))
            self.assertLess(time.monotonic(), deadline, told)
            time.sleep(0.05)

    def read(self):
        """What a refresh reads; any error here is fatal to Terraform."""
        got = self.do("GetFunction", **F)
        self.assertEqual("S3", got["Code"]["RepositoryType"])
        with urllib.request.urlopen(got["Code"]["Location"], timeout=10) as answer:
            self.assertTrue(answer.read().startswith(b"PK"))
        versions, page = [], {}
        while True:
            page = self.do("ListVersionsByFunction", **F, MaxItems=10_000,
                           **({"Marker": page["NextMarker"]} if page else {}))
            versions += [each["Version"] for each in page["Versions"]]
            if "NextMarker" not in page:
                break
        signing = self.do("GetFunctionCodeSigningConfig", **F)
        self.assertEqual({"CodeSigningConfigArn": "", "FunctionName": "tf"}, signing)
        return got, versions

    def test_its_calls_are_answered_as_it_needs_them(self):
        with self.assertRaises(Refusal) as refusal:
            self.do("GetFunction", **F)
        self.assertEqual(("ResourceNotFoundException", 404), (refusal.exception.name, refusal.exception.status))
        self.do("CreateFunction", **F, Code={"ZipFile": marked("one")}, Timeout=5, MemorySize=128, Publish=False,
                PackageType="Zip", Architectures=["x86_64"], EphemeralStorage={"Size": 512}, Tags={"by": "terraform"},
                Environment={"Variables": {"STAGE": "test"}}, TracingConfig={"Mode": "PassThrough"},
                LoggingConfig={"LogFormat": "Text", "LogGroup": "/aws/lambda/tf"}, **BASE)
        self.until("State", "Active")
        self.do("PutFunctionConcurrency", **F, ReservedConcurrentExecutions=3)
        first, versions = self.read()
        self.assertEqual(({"by": "terraform"}, {"ReservedConcurrentExecutions": 3}, ["$LATEST"]),
                         (first["Tags"], first["Concurrency"], versions))
        again, _ = self.read()  # the plan right after: nothing may differ, or it would never come to rest
        for reply in (first, again):
            reply["Code"].pop("Location")
        self.assertEqual(first, again)

        self.do("TagResource", **RESOURCE, Tags={"by": "terraform", "round": "2"})
        self.do("UpdateFunctionConfiguration", **F, Timeout=6, MemorySize=256, Environment={"Variables": {}}, **BASE)
        self.until("LastUpdateStatus", "Successful")
        self.do("UpdateFunctionCode", **F, ZipFile=marked("two"), Architectures=["x86_64"])
        self.until("LastUpdateStatus", "Successful")
        version = self.do("PublishVersion", **F)["Version"]
        self.do("DeleteFunctionConcurrency", **F)
        second, versions = self.read()
        self.assertEqual((6, 256, {"by": "terraform", "round": "2"}, ["$LATEST", version]),
                         (second["Configuration"]["Timeout"], second["Configuration"]["MemorySize"], second["Tags"],
                          versions))
        self.assertNotIn("Concurrency", second)
        self.assertNotIn("Environment", second["Configuration"])

        self.do("UntagResource", **RESOURCE, TagKeys=["round"])
        self.do("DeleteFunction", **F)
        with self.assertRaises(Refusal):
            self.do("GetFunction", **F)

    def test_its_other_resources_are_made_read_and_removed(self):
        """aws_lambda_alias, _permission, _function_event_invoke_config, _provisioned_concurrency_config."""
        self.do("CreateFunction", **G, Code={"ZipFile": marked("one")}, Publish=True, **BASE)
        self.do("CreateAlias", **G, Name="live", FunctionVersion="1", Description="")
        self.assertEqual("1", self.do("GetAlias", **G, Name="live")["FunctionVersion"])
        self.do("AddPermission", **G, StatementId="AllowAll", Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com", Qualifier="live")
        self.assertIn("AllowAll", self.do("GetPolicy", **G, Qualifier="live")["Policy"])
        self.do("PutFunctionEventInvokeConfig", **G, Qualifier="live", MaximumRetryAttempts=0)
        self.assertEqual(0, self.do("GetFunctionEventInvokeConfig", **G, Qualifier="live")["MaximumRetryAttempts"])
        self.do("PutProvisionedConcurrencyConfig", **G, Qualifier="live", ProvisionedConcurrentExecutions=1)
        deadline = time.monotonic() + 30
        while self.do("GetProvisionedConcurrencyConfig", **G, Qualifier="live")["Status"] != "READY":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.do("DeleteProvisionedConcurrencyConfig", **G, Qualifier="live")
        self.do("DeleteFunctionEventInvokeConfig", **G, Qualifier="live")
        self.do("RemovePermission", **G, StatementId="AllowAll", Qualifier="live")
        self.do("DeleteAlias", **G, Name="live")
        for operation, more in (("GetAlias", {"Name": "live"}), ("GetPolicy", {}), ("GetFunctionEventInvokeConfig", {})):
            with self.assertRaises(Refusal) as refusal:
                self.do(operation, **G, **more)
            self.assertEqual(404, refusal.exception.status)
        self.do("DeleteFunction", **G)


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("terraform", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("terraform")
