"""O10, O13: what a daemon refuses to start with, and who it lets in, with keys of its own making."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

FAASD = sys.argv.pop(1)


class SignIn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="faas-sign-in-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.access = self.folder / "access.json"

    def serve(self, *flags):
        """Started, or ended; then what it said."""
        said = self.folder / "said"
        with open(said, "wb") as out:
            process = subprocess.Popen([FAASD, "serve", "--state", self.folder / "state", "--allow-degraded", *flags],
                                       stdout=out, stderr=out)
        self.addCleanup(lambda: (process.terminate(), process.wait(60)))
        end = time.monotonic() + 30
        while process.poll() is None and "listening on" not in said.read_text() and time.monotonic() < end:
            time.sleep(0.02)
        return process.poll(), said.read_text()

    def key(self, *flags):
        made = subprocess.run([FAASD, "key", "new", *flags], capture_output=True, text=True, check=True)
        *shown, entry = made.stdout.splitlines()
        return shown, json.loads(entry)

    def write_access(self, *entries):
        self.access.write_text(json.dumps({"Principals": entries}))
        self.access.chmod(0o600)

    def status(self, url, headers=()):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def test_a_key_of_faasd_opens_what_its_entry_says(self):
        [key], entry = self.key("--name", "watch", "--allow", "faas:GetStatus on *")
        self.assertNotIn(key, json.dumps(entry))
        self.write_access(entry)
        socket = self.folder / "s"
        status, said = self.serve("--listen", "127.0.0.1:0", "--access", self.access, "--require-sign-in",
                                  "--socket", socket)
        self.assertIsNone(status, said)
        url = re.search(r"listening on (\S+)\n", said).group(1)
        self.assertEqual(self.status(url + "/healthz"), 200)
        self.assertEqual(self.status(url + "/faas/v1/status"), 401)
        self.assertEqual(self.status(url + "/faas/v1/status", {"X-Api-Key": key}), 200)
        self.assertEqual(self.status(url + "/faas/v1/status", {"Authorization": "Bearer " + key}), 200)
        self.assertEqual(self.status(url + "/faas/v1/status", {"X-Api-Key": key + "0"}), 403)
        self.assertEqual(self.status(url + "/metrics", {"X-Api-Key": key}), 403)
        asked = subprocess.run([FAASD, "status"], env=os.environ | {"FAASD_URL": f"unix:{socket}"},
                               capture_output=True, text=True)
        self.assertIn("Missing Authentication Token", asked.stderr)  # root, too: it is required of all
        asked = subprocess.run([FAASD, "status"], env=os.environ | {"FAASD_URL": url, "FAASD_API_KEY": key},
                               capture_output=True, text=True)
        self.assertEqual(asked.returncode, 0, asked.stderr)

    def test_root_needs_no_key_at_the_socket(self):
        self.write_access()
        socket = self.folder / "s"
        status, said = self.serve("--listen", "127.0.0.1:0", "--access", self.access, "--socket", socket)
        self.assertIsNone(status, said)
        asked = subprocess.run([FAASD, "status"], env=os.environ | {"FAASD_URL": f"unix:{socket}"},
                               capture_output=True, text=True)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertIn("Ready", asked.stdout)

    def test_an_access_key_comes_as_a_pair(self):
        shown, entry = self.key("--name", "deployer", "--account", "111122223333", "--sigv4")
        self.assertEqual(shown, ["AWS_ACCESS_KEY_ID=" + entry["AccessKeyId"],
                                 "AWS_SECRET_ACCESS_KEY=" + entry["SecretAccessKey"]])

    def test_what_opens_a_door_by_mistake_does_not_start(self):
        self.write_access()
        for flags, wanted in (
                (("--listen", "0.0.0.0:0"), "--access"),
                (("--listen", "0.0.0.0:0", "--insecure-http"), "--access"),
                (("--listen", "0.0.0.0:0", "--access", self.access), "--tls-certificate"),
                (("--listen", "127.0.0.1:0", "--access", self.folder / "none"), "cannot be read"),
                (("--listen", "127.0.0.1:0", "--tls-key", self.access), "go together"),
        ):
            with self.subTest(flags=flags):
                status, said = self.serve(*flags)
                self.assertIn(status, (1, 2), said)
                self.assertIn(wanted, said)
        self.access.chmod(0o640)
        status, said = self.serve("--listen", "127.0.0.1:0", "--access", self.access)
        self.assertEqual(status, 2, said)
        self.assertIn("chmod 600", said)
        self.write_access({"Name": "a", "Alow": []})
        status, said = self.serve("--listen", "127.0.0.1:0", "--access", self.access)
        self.assertEqual(status, 2, said)
        self.assertIn("access.json:1: unknown key 'Alow'", said)


if __name__ == "__main__":
    unittest.main()
