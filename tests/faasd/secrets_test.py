"""O3: what passes through a call (its environment, headers, payload, answer) stands in nothing that the daemon writes,
shows or keeps for its operator, however the call ends."""

import base64
import json
import pathlib
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

SECRETS = {place: f"canary-{place}-5f1d7c" for place in ("environment", "header", "payload", "answer")}

# Ends in the way the payload asks for; says nothing itself.
FUNCTION = f'''
import os, time
def handler(event, context):
    how = event["how"]
    if how == "raise": raise ValueError("failed")
    if how == "exit": os._exit(3)
    if how == "hang": time.sleep(60)
    if how == "memory": return len(bytearray(1 << 30))
    return {{"answer": "{SECRETS["answer"]}"}}
'''


class Secrets(fixture.Case):
    def ask(self, method, path, body=None, headers=()):
        request = urllib.request.Request(self.daemon.url + path, method=method, data=body, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers), refused.read()

    def deploy(self):
        code = base64.b64encode(fixture.python_zip(FUNCTION)).decode()
        wish = {"FunctionName": "keeper", "Runtime": fixture.PYTHON, "Handler": "app.handler", "Role": fixture.ROLE,
                "Timeout": 1, "Code": {"ZipFile": code}, "Environment": {"Variables": {"KEY": SECRETS["environment"]}}}
        self.assertEqual(self.ask("POST", "/2015-03-31/functions", json.dumps(wish).encode())[0], 201)

    def call(self, how, path="/function/keeper"):
        event = json.dumps({"how": how, "secret": SECRETS["payload"]}).encode()
        return self.ask("POST", path, event, {"X-Secret": SECRETS["header"], "Authorization": SECRETS["header"]})

    def found(self, where, content, allowed=()):
        for place, secret in SECRETS.items():
            if place not in allowed:
                self.assertNotIn(secret.encode(), content, f"the {place}'s secret stands in {where}")

    def test_nothing_of_a_call_is_told_to_others(self):
        self.deploy()
        self.assertIn(SECRETS["answer"].encode(), self.call("answer")[2])
        for how in ("raise", "exit", "hang", "memory"):
            status, headers, body = self.call(how)
            self.assertEqual(status, 502, how)
            self.found(f"the error of '{how}'", body + repr(headers).encode())
        # Refused before anything ran: too large, no such function, no JSON, no such method.
        for refused in (self.ask("POST", "/function/keeper", SECRETS["payload"].encode() * 400_000),
                        self.call("answer", "/function/nobody"),
                        self.ask("POST", "/2015-03-31/functions", ("{" + SECRETS["payload"]).encode()),
                        self.ask("PATCH", "/function/keeper", SECRETS["payload"].encode())):
            self.assertGreaterEqual(refused[0], 400)
            self.found("a refusal", refused[2] + repr(refused[1]).encode())
        for path in ("/metrics", "/healthz", "/readyz", "/faas/v1/doctor", "/faas/v1/functions/keeper/logs"):
            status, _, body = self.ask("GET", path)
            self.assertEqual(status, 200, path)
            self.found(path, body)
        process = pathlib.Path(f"/proc/{self.daemon.process.pid}")
        self.found("its command line", (process / "cmdline").read_bytes())
        self.found("its environment", (process / "environ").read_bytes())
        self.found("its output", self.daemon.out.read_bytes() + self.daemon.err.read_bytes())
        seen = 0
        for file in pathlib.Path(self.daemon.folder.name, "state").rglob("*"):
            if file.is_file():
                # The database holds the function's configuration; its package holds what it answers.
                allowed = ("environment",) if file.name.startswith("faas.db") else ()
                allowed += ("answer",) if "code" in file.parts else ()
                self.found(file, file.read_bytes(), allowed)
                seen += 1
        self.assertGreater(seen, 3)


if __name__ == "__main__":
    fixture.main("secrets")
