#!/usr/bin/env python3
"""Every operation that faasd has through the AWS command line and the SDK for JavaScript, step by step as the model
says."""

import pathlib
import shutil
import tempfile
import unittest

import fixture
import official_build
import operations
import scenario
import service
from clients import AWS, AwsCli, JavaScript
from judge import Judge
from wire import Wire

SERVICE = service.found()
SDK = "@aws-sdk/client-lambda@3.1163.0"


class ClientCase(fixture.Case):
    def round(self, client):
        """The whole scenario; every operation must have come by, and the client's own waiters must end."""
        wire = Wire(self.daemon.url, SERVICE)
        self.addCleanup(wire.close)
        self.addCleanup(client.close)
        judge = Judge(client, wire)
        judge.step("CreateFunction", FunctionName="awaited", Code={"ZipFile": scenario.marked("awaited")}, **scenario.BASE)
        for waiter in ("function_exists", "function_active_v2", "function_updated_v2"):
            client.wait(waiter, "awaited")
        judge.step("DeleteFunction", FunctionName="awaited")
        scenario.play(judge, operations.ours())
        judge.look_at_account()
        self.assertEqual(set(), judge.missed(), f"{client.name} did not do these")
        fixture.note(client.name, judge.done)


class CommandLine(ClientCase):
    @unittest.skipUnless(pathlib.Path(AWS).exists(), "the command aws is missing (scripts/setup --tests=2)")
    def test_every_operation(self):
        folder = tempfile.TemporaryDirectory(prefix="faas-awscli-")
        self.addCleanup(folder.cleanup)
        self.round(AwsCli(self.daemon.url, pathlib.Path(folder.name)))


class SdkForJavaScript(ClientCase):
    @unittest.skipUnless(official_build.node() and shutil.which("npm"), "node or npm is missing (scripts/setup --tests=2)")
    def test_every_operation(self):
        self.round(JavaScript(self.daemon.url, official_build.node(), self.sdk()))

    @staticmethod
    def sdk():
        """The folder that has the SDK of exactly that version; none of its packages runs a script of its own here."""
        place = fixture.arguments.cache.resolve() / SDK.replace("/", "-")
        if not (place / "done").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            (place / "package.json").write_text("{}")
            try:
                official_build.run(["npm", "install", SDK, "--ignore-scripts", "--no-audit", "--no-fund",
                                    "--loglevel=error"], place / "log", place, npm_config_fetch_retries="1")
            except AssertionError as failure:
                if official_build.NO_NETWORK.search(str(failure)):
                    raise unittest.SkipTest(f"npm does not reach its registry for {SDK}") from failure
                raise
            (place / "done").touch()
        return place


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("all_clients", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("all_clients")
