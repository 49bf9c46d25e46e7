"""O3 at rest: with a secrets key no value of an environment stands in a file of the daemon's, in anything it says, or in
a refusal, whatever becomes of the function; and the state opens with that key alone."""

import base64
import json
import pathlib
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

SECRET = "canary-sealed-5f1d7c"
FUNCTIONS = "/2015-03-31/functions"
CODE = '''
import os
if os.environ.get("MODE") == "init": raise RuntimeError("no start")
def handler(event, context):
    if event == "exit": os._exit(3)
    if event == "raise": raise ValueError("failed")
    if event == "segv": os.kill(os.getpid(), 11)
    return len(os.environ["TOKEN"])
'''


class Sealed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="faas-sealed-")
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)
        self.state = self.place / "state"

    def key(self, byte, mode=0o600):
        path = self.place / f"key-{byte}-{mode:o}"
        path.write_text(f"{byte:02x}" * 32 + "\n")
        path.chmod(mode)
        return path

    def start(self, *flags, environment=None):
        self.daemon = fixture.Daemon(*flags, state=self.state, environment=environment)
        self.addCleanup(self.daemon.folder.cleanup)

    def stop(self):
        said = self.daemon.out.read_bytes()
        status, errors = self.daemon.stop()
        self.assertEqual(status, 0, errors)
        self.silent("what the daemon said", said + errors.encode())

    def refused(self, *flags):
        """What a daemon says that does not start."""
        with self.assertRaises(AssertionError) as refusal:
            fixture.Daemon(*flags, state=self.state)
        self.silent("why it did not start", str(refusal.exception).encode())
        return str(refusal.exception)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.daemon.url + path, method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read() + repr(dict(refused.headers)).encode()

    def silent(self, where, content):
        self.assertNotIn(SECRET.encode(), content, f"the secret stands in {where}")

    def silent_on_disk(self):
        files = [file for file in self.state.rglob("*") if file.is_file()]
        self.assertGreater(len(files), 3)
        for file in files:
            self.silent(file, file.read_bytes())

    def on_disk(self):
        return any(SECRET.encode() in file.read_bytes() for file in self.state.rglob("*") if file.is_file())

    def wish(self, name, **variables):
        code = base64.b64encode(fixture.python_zip(CODE)).decode()
        return {"FunctionName": name, "Runtime": fixture.PYTHON, "Handler": "app.handler", "Role": fixture.ROLE,
                "Code": {"ZipFile": code}, "Environment": {"Variables": {"TOKEN": SECRET, **variables}}}

    def deploy(self, name, **variables):
        status, body = self.ask("POST", FUNCTIONS, self.wish(name, **variables))
        self.assertEqual(status, 201, body)

    def check_served(self, name):
        status, body = self.ask("GET", f"{FUNCTIONS}/{name}/configuration")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body)["Environment"]["Variables"]["TOKEN"], SECRET)
        self.assertEqual(self.ask("POST", f"/function/{name}", "x"), (200, str(len(SECRET)).encode()))

    def test_no_value_of_an_environment_is_told_or_stored(self):
        self.start("--secrets-key-file", self.key(0xab))
        self.deploy("keeper")
        self.check_served("keeper")
        self.deploy("broken", MODE="init")
        configuration = f"{FUNCTIONS}/keeper/configuration"
        for method, path, body in (
                ("POST", FUNCTIONS, self.wish("large", BIG=SECRET * 300)),
                ("POST", FUNCTIONS, self.wish("keeper")),
                ("POST", FUNCTIONS, self.wish("reserved", AWS_REGION=SECRET)),
                ("POST", FUNCTIONS, self.wish("number", N=7)),
                ("POST", FUNCTIONS, {**self.wish("runtime"), "Runtime": "python3.1"}),
                ("PUT", configuration, {"Environment": {"Variables": {"TOKEN": SECRET * 300}}}),
                ("PUT", configuration, {"Environment": {"Variables": {"TOKEN": SECRET, "a b": SECRET}}}),
                ("PUT", configuration, {"Environment": {"Variables": {"TOKEN": SECRET + "\0"}}}),
                ("PUT", configuration, {"Environment": {"Variables": {"TOKEN": [SECRET]}}}),
                ("PUT", configuration, {"Environment": {"Variables": {"TOKEN": SECRET}}, "RevisionId": "stale"}),
                ("POST", "/function/broken", "x"),
                ("POST", "/function/keeper", "exit"), ("POST", "/function/keeper", "raise"),
                ("POST", "/function/keeper", "segv")):
            status, answer = self.ask(method, path, body)
            self.assertGreaterEqual(status, 400, path)
            self.silent(f"the refusal of {method} {path}", answer)
        status, _ = self.ask("PUT", configuration, {"Environment": {"Variables": {"TOKEN": SECRET, "MORE": "1"}}})
        self.assertEqual(status, 200)
        self.check_served("keeper")
        for path in ("/metrics", "/faas/v1/status", "/faas/v1/instances", "/faas/v1/doctor",
                     "/faas/v1/functions/keeper/logs", "/faas/v1/functions/broken/logs"):
            status, body = self.ask("GET", path)
            self.assertEqual(status, 200, path)
            self.silent(path, body)
        self.silent_on_disk()
        self.stop()
        self.silent_on_disk()

    def test_the_state_opens_with_its_key_alone(self):
        self.start("--secrets-key-file", self.key(0xab))
        key_id = json.loads(self.ask("GET", "/faas/v1/status")[1])["SecretsKeyId"]
        self.assertRegex(key_id, "^[0-9a-f]{16}$")
        self.deploy("keeper")
        self.stop()
        for flags in ((), ("--secrets-key-file", self.key(0xcd))):
            self.assertIn(key_id, self.refused(*flags))
        self.assertIn("chmod 600", self.refused("--secrets-key-file", self.key(0xab, 0o644)))
        self.start("--secrets-key-file", self.key(0xab))
        self.check_served("keeper")
        self.stop()

    def test_what_was_stored_in_clear_is_sealed_by_the_first_start_with_a_key(self):
        self.start()
        self.assertEqual(json.loads(self.ask("GET", "/faas/v1/status")[1])["SecretsKeyId"], "")
        for i in range(20):
            self.deploy(f"f{i}")
        for i in range(10, 20):
            self.assertEqual(self.ask("DELETE", f"{FUNCTIONS}/f{i}")[0], 204)
        self.stop()
        self.assertTrue(self.on_disk())
        self.start("--secrets-key-file", self.key(0xab))
        self.silent_on_disk()
        self.check_served("f0")
        self.check_served("f9")
        self.stop()
        self.silent_on_disk()

    def test_systemd_may_hand_the_key_over(self):
        credentials = self.place / "credentials"
        credentials.mkdir()
        (credentials / "faasd-secrets-key").write_bytes(bytes([0xab]) * 32)
        self.start(environment={"CREDENTIALS_DIRECTORY": str(credentials)})
        self.deploy("keeper")
        self.silent_on_disk()
        self.stop()
        # The same key, from a file.
        self.start("--secrets-key-file", self.key(0xab))
        self.check_served("keeper")
        self.stop()


if __name__ == "__main__":
    fixture.main("sealed")
