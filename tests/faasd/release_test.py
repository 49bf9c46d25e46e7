"""faasd versions, publish, alias, concurrency, why and invoke, typed against a daemon of their own."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

SOURCE = "def handler(event, context):\n    return {'v': context.function_version, 'code': %d}\n"


class Typed(fixture.Case):
    """What stands on a command line, and what comes of it."""

    def type(self, *words, status=0):
        done = subprocess.run([fixture.arguments.faasd, *words], capture_output=True, text=True, timeout=120,
                              env={"FAASD_URL": self.daemon.url, "PATH": "/usr/bin:/bin"}, cwd=self.daemon.folder.name)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stdout + done.stderr

    def json(self, *words):
        return json.loads(self.type(*words, "--json"))

    def deploy(self, name, code):
        source = pathlib.Path(self.daemon.folder.name, name)
        source.mkdir(exist_ok=True)
        (source / "app.py").write_text(SOURCE % code)
        self.type("deploy", name, str(source), "--runtime", fixture.PYTHON, "--handler", "app.handler", "--timeout", "30")

    def answer(self, name):
        return json.loads(self.type("invoke", name, "--data", "{}"))


class Release(Typed):
    def test_versions_are_published_and_aliases_move_between_them(self):
        self.deploy("shop", 1)
        self.assertIn("version 1 of shop", self.type("publish", "shop", "--description", "first"))
        self.assertIn("version 1 of shop", self.type("publish", "shop"))  # nothing changed
        self.deploy("shop", 2)
        self.assertEqual(self.json("publish", "shop")["Version"], "2")
        self.assertEqual([v["Version"] for v in self.json("versions", "shop")["Versions"]], ["$LATEST", "1", "2"])
        self.assertIn("first", self.type("versions", "shop"))
        self.assertIn("100 % to 1", self.type("alias", "shop", "live", "1"))
        self.assertEqual(self.answer("shop:live"), {"v": "1", "code": 1})
        self.assertIn("90 % to 1, 10 % to 2", self.type("alias", "shop", "live", "1", "--weight", "2=10"))
        self.assertEqual(self.json("alias", "shop", "live")["RoutingConfig"], {"AdditionalVersionWeights": {"2": 0.1}})
        # A description alone moves nothing; a weight alone keeps the version.
        self.assertIn("90 % to 1, 10 % to 2", self.type("alias", "shop", "live", "--description", "canary"))
        self.assertIn("0 % to 1, 100 % to 2", self.type("alias", "shop", "live", "--weight", "2=100%"))
        self.assertEqual(self.answer("shop:live"), {"v": "2", "code": 2})
        self.assertIn("100 % to 1", self.type("alias", "shop", "live", "1"))  # back at once
        self.assertEqual(self.answer("shop:live"), {"v": "1", "code": 1})
        self.assertIn("canary", self.type("alias", "shop"))
        self.assertEqual(self.json("alias", "shop", "live", "--delete"), {"Deleted": "live"})
        self.assertEqual(self.json("alias", "shop")["Aliases"], [])

    def test_a_call_names_its_version_in_or_beside_the_name(self):
        self.deploy("called", 1)
        self.type("publish", "called")
        self.assertEqual(self.json("invoke", "called", "--data", "{}", "--qualifier", "1")["Version"], "1")
        self.assertEqual(self.json("invoke", "called:1", "--data", "{}")["Version"], "1")
        self.assertEqual(self.json("invoke", "called", "--data", "{}")["Version"], "$LATEST")
        self.assertIn("faasd versions", self.type("invoke", "called:9", "--data", "{}", status=1))

    def test_concurrency_is_reserved_and_provisioned_and_seen(self):
        self.deploy("kept", 1)
        self.type("publish", "kept")
        self.assertIn("reserved     none", self.type("concurrency", "kept"))
        self.assertIn("reserved     3", self.type("concurrency", "kept", "--reserve", "3"))
        said = self.type("concurrency", "kept", "--provision", "2", "--qualifier", "1")
        self.assertIn("provisioned  1: 2 of 2 ready, READY", said)
        # Ready means initialised: the first call finds an instance.
        self.assertEqual(self.json("invoke", "kept:1", "--data", "{}")["Start"], "warm")
        self.assertEqual(self.json("concurrency", "kept")["ReservedConcurrentExecutions"], 3)
        self.assertIn("provisioned  none", self.type("concurrency", "kept", "--provision", "0", "--qualifier", "1"))
        self.assertIn("reserved     0: stopped", self.type("concurrency", "kept", "--reserve", "0"))
        self.assertIn("faasd why", self.type("invoke", "kept", "--data", "{}", status=1))
        self.assertIn("reserved     none", self.type("concurrency", "kept", "--reserve", "none"))
        self.assertIn("--reserve x: write", self.type("concurrency", "kept", "--reserve", "x", status=2))

    def test_provisioned_instances_that_do_not_start_are_told_and_not_waited_for(self):
        source = pathlib.Path(self.daemon.folder.name, "broken")
        source.mkdir()
        (source / "app.py").write_text("raise ValueError('no')\n")
        self.type("deploy", "broken", str(source), "--runtime", fixture.PYTHON, "--handler", "app.handler")
        self.type("publish", "broken")
        said = self.type("concurrency", "broken", "--provision", "1", "--qualifier", "1", "--no-wait")
        self.assertIn("provisioned  1: 0 of 1 ready", said)

    def test_why_names_each_limit_with_what_is_used_and_where_it_was_set(self):
        self.deploy("bound", 1)
        self.type("concurrency", "bound", "--reserve", "7")
        table = self.type("why", "bound")
        self.assertRegex(table, r"(?m)^LIMIT +VALUE +USED +UNIT +SET BY$")
        self.assertRegex(table, r"(?m)^AccountConcurrency +1000 +0 +calls +faasd serve --account-concurrency$")
        self.assertRegex(table, r"(?m)^Reserved\w+ +7 +0 ")
        limits = self.json("why", "bound", "--qualifier", "$LATEST")["Limits"]
        self.assertTrue(all(limit["Source"] for limit in limits), limits)

    def test_what_is_refused_says_what_to_type_next(self):
        self.deploy("asked", 1)
        for words, said in ((("versions", "none"), "faasd list"), (("alias", "asked", "none"), "faasd alias NAME"),
                            (("alias", "asked", "live", "9"), "faasd versions NAME"),
                            (("why", "none"), "faasd list")):
            self.assertIn(said, self.type(*words, status=1), words)
        for weight in ("2", "=1", "2=x", "2=101", "2=-1"):
            self.assertIn("VERSION=PERCENT", self.type("alias", "asked", "live", "1", "--weight", weight, status=2))
        self.assertEqual(self.type("list", "--names").split(), sorted(self.type("list", "--names").split()))


if __name__ == "__main__":
    fixture.main("release")
