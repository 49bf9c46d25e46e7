"""faasd apply and export against a daemon of their own: what a file says comes to be, once, and can be had again."""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

SOURCE = "def handler(event, context):\n    return {'v': context.function_version, 'code': %d}\n"
SECRET = "canary-value-5f1d7c"

SHOP = f"""
stack: shop
functions:
  hello:
    runtime: {fixture.PYTHON}
    handler: app.handler
    code: src/
    timeout: 30
    environment: {{KEY: {SECRET}}}
    description: says hello
    tags: {{team: a}}
    reserved_concurrency: 5
    aliases: {{live: {{version: published}}}}
    provisioned: {{live: 1}}
  other:
    runtime: {fixture.PYTHON}
    handler: app.handler
    code: src/
"""

TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: {fixture.PYTHON}, Timeout: 30}}}}
Resources:
  Bucket: {{Type: AWS::S3::Bucket}}
  FromSam:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: src/, Handler: app.handler, AutoPublishAlias: live}}
"""


class Files(fixture.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)
        self.source(1)
        self.addCleanup(self.empty)

    def empty(self):
        for name in self.type("list", "--names").split():
            self.type("delete", name)

    def source(self, code):
        (self.place / "src").mkdir(exist_ok=True)
        (self.place / "src/app.py").write_text(SOURCE % code)

    def file(self, text, name="shop.yaml"):
        (self.place / name).write_text(text)
        return str(self.place / name)

    def type(self, *words, status=0):
        done = subprocess.run([fixture.arguments.faasd, *words], capture_output=True, text=True, timeout=120,
                              env={"FAASD_URL": self.daemon.url, "PATH": "/usr/bin:/bin"}, cwd=self.place)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        self.said = done.stdout + done.stderr
        return done.stdout

    def answer(self, name):
        return json.loads(self.type("invoke", name, "--data", "{}"))

    def newest(self, name):
        """The number of the last version: numbers go on where a function of that name was before."""
        return json.loads(self.type("versions", name, "--json"))["Versions"][-1]["Version"]

    def test_a_file_is_applied_once_and_then_there_is_nothing_to_do(self):
        shop = self.file(SHOP)
        would = self.type("apply", shop, "--dry-run", status=7)
        self.assertIn("+ hello", would)
        self.assertEqual(self.type("list", "--names"), "")
        did = self.type("apply", shop)
        self.assertEqual(would.splitlines()[:-1], did.splitlines()[:-1])
        self.assertEqual(self.answer("hello:live"), {"v": self.newest("hello"), "code": 1})
        self.assertEqual(self.type("apply", shop), "nothing to do: 2 functions are as the file says\n")
        self.assertIn("nothing to do", self.type("apply", shop, "--dry-run"))
        self.assertEqual(len(json.loads(self.type("versions", "hello", "--json"))["Versions"]), 2)

    def test_what_changes_is_told_field_by_field_but_for_values_of_the_environment(self):
        shop = self.file(SHOP)
        self.type("apply", shop)
        self.assertNotIn(SECRET, self.said)
        self.source(2)
        self.file(SHOP.replace(SECRET, SECRET + "2").replace("timeout: 30", "timeout: 40").replace("team: a", "team: b"))
        would = self.type("apply", shop, "--dry-run", status=7)
        for line in (r"~ hello", r"    ~ code: \S+ -> \S+", r"    ~ timeout: 30 -> 40", r"    ~ environment.KEY: changed",
                     r"    ~ tags.team: a -> b", r"    ~ version: \d+ -> published", r"    ~ aliases.live: \d+ -> published",
                     r"~ other"):
            self.assertRegex(would, f"(?m)^{line}$")
        self.assertNotIn(SECRET, would + self.type("apply", shop, "--dry-run", "--json", status=7))
        self.type("apply", shop)
        self.assertEqual(self.answer("hello:live"), {"v": self.newest("hello"), "code": 2})
        self.assertIn("nothing to do", self.type("apply", shop))

    def test_what_the_file_no_longer_says_is_usual_again_and_what_others_set_stays(self):
        shop = self.file(SHOP)
        self.type("apply", shop)
        self.type("alias", "hello", "mine", self.newest("hello"))
        bare = f"stack: shop\nfunctions: {{hello: {{runtime: {fixture.PYTHON}, handler: app.handler, code: src/}}}}"
        self.type("apply", self.file(bare))
        function = json.loads(self.type("export", "hello", "--json"))["functions"]["hello"]
        self.assertNotIn("environment", function)
        self.assertEqual(function["timeout"], 3)
        self.assertEqual(sorted(function["aliases"]), ["live", "mine"])
        self.assertEqual(function["tags"], {"team": "a"})
        self.assertEqual(function["reserved_concurrency"], 5)
        self.assertIn("nothing to do", self.type("apply", shop))

    def test_prune_deletes_what_this_stack_made_and_never_what_others_did(self):
        self.type("apply", self.file(SHOP))
        self.type("apply", self.file(TEMPLATE, "template.yaml"))
        self.type("deploy", "byhand", str(self.place / "src"), "--runtime", fixture.PYTHON)
        less = self.file("stack: shop\nfunctions: {}")
        self.assertIn("nothing to do", self.type("apply", less))
        self.assertRegex(self.type("apply", less, "--prune", "--dry-run", status=7), r"(?m)^- hello\n- other$")
        self.type("apply", less, "--prune")
        self.assertEqual(self.type("list", "--names").split(), ["FromSam", "byhand"])
        # Another project's template.yaml is of a stack of the same name, unless somebody says which.
        nothing = self.file("Resources: {}", "template.yaml")
        self.type("apply", nothing, "--prune", status=2)
        self.assertIn("--stack NAME", self.said)
        self.type("apply", nothing, "--prune", "--stack", "mine")
        self.assertEqual(self.type("list", "--names").split(), ["FromSam", "byhand"])
        self.type("apply", nothing, "--prune", "--stack", "template")
        self.assertEqual(self.type("list", "--names").split(), ["byhand"])

    def test_a_sam_template_is_applied(self):
        template = self.file(TEMPLATE, "template.yaml")
        self.type("apply", template)
        self.assertIn("Bucket (AWS::S3::Bucket) is ignored", self.said)
        self.assertEqual(self.answer("FromSam:live"), {"v": self.newest("FromSam"), "code": 1})
        self.assertIn("nothing to do", self.type("apply", template))

    def test_layers_and_capacity_are_set_and_taken_away(self):
        layer = {"Content": {"ZipFile": base64.b64encode(fixture.zip_of({"python/m.py": "x = 1\n"})).decode()}}
        request = urllib.request.Request(f"{self.daemon.url}/2018-10-31/layers/l/versions", json.dumps(layer).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            arn = json.load(answer)["LayerVersionArn"]
        more = f"    layers: [\"{arn}\"]\n    capacity: 4\n"
        shop = self.file(SHOP + more)
        self.type("apply", shop)
        self.assertIn("nothing to do", self.type("apply", shop))
        other = json.loads(self.type("export", "other", "--json"))["functions"]["other"]
        self.assertEqual((other["layers"], other["capacity"]), ([arn], 4))
        self.file(SHOP)
        self.assertRegex(self.type("apply", shop), r"(?m)^    ~ capacity: 4 -> 1\n    - layers: \S+$")
        self.assertIn("nothing to do", self.type("apply", shop))

    def test_an_export_makes_the_same_again_on_an_empty_daemon(self):
        self.type("apply", self.file(SHOP))
        for form in ((), ("--json",)):
            first = self.type("export", "--code", "code", *form)
            self.empty()
            copy = self.file(first, "copy.json" if form else "copy.yaml")
            self.type("apply", copy)
            self.assertEqual(self.answer("hello:live")["code"], 1)
            self.assertEqual(self.type("export", "--code", "code", *form), first)
            self.assertIn("nothing to do", self.type("apply", copy))

    def test_an_export_without_code_changes_what_is_there_and_makes_nothing(self):
        self.type("apply", self.file(SHOP))
        text = self.type("export")
        copy = self.file(text.replace("timeout: 30", "timeout: 31"), "copy.yaml")
        self.type("apply", copy)
        self.assertIn('timeout: 31', self.type("export", "hello"))
        self.empty()
        self.type("apply", copy, status=2)
        self.assertRegex(self.said, r"copy.yaml:\d+: hello is not deployed, and to create it the file must name its code")

    def test_what_is_wrong_is_told_with_its_line_before_anything_is_done(self):
        wrong = self.file(SHOP + "  third: {runtime: x, memory: 1}\n")
        self.type("apply", wrong, status=2)
        self.assertRegex(self.said, r"shop.yaml:19: memory must be a whole number")
        self.assertIn("--dry-run", self.said)
        missing = self.file(SHOP + f"  third: {{runtime: {fixture.PYTHON}, code: nowhere}}\n")
        self.type("apply", missing, status=1)
        self.assertRegex(self.said, r"shop.yaml:19: third: There is no directory or zip file at \S+nowhere")
        self.type("apply", str(self.place / "none.yaml"), status=2)
        self.type("export", "nobody", status=1)
        self.assertEqual(self.type("list", "--names"), "")

    def test_a_step_that_the_daemon_refuses_ends_it_and_what_was_done_stays(self):
        half = self.file(SHOP.replace("live: {version: published}", "live: {version: 7}").replace("live: 1", "live: 0"))
        self.type("apply", half, status=1)
        self.assertIn("+ aliases.live: 7", self.said)
        self.assertEqual(self.type("list", "--names").split(), ["hello"])
        self.type("apply", self.file(SHOP))
        self.assertIn("nothing to do", self.type("apply", self.file(SHOP)))


if __name__ == "__main__":
    fixture.main("apply")
