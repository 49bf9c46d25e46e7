"""The examples that are typed on a command line do what they say: each runs as it stands against a daemon."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import fixture  # noqa: E402

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


class Examples(fixture.Case):
    def run_example(self, name):
        path = f"{fixture.arguments.faasd.resolve().parent}:/usr/bin:/bin"
        done = subprocess.run([EXAMPLES / f"{name}.sh"], capture_output=True, text=True, timeout=100,
                              env={"PATH": path, "FAASD_URL": self.daemon.url, "TMPDIR": self.daemon.folder.name})
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_canary(self):
        said = self.run_example("canary")
        counts = {colour: int(count) for count, colour in re.findall(r'(?m)^ *(\d+) "(\w+)"$', said)}
        self.assertEqual(sum(counts.values()), 50, said)
        self.assertLess(counts.get("green", 0), 25, said)
        self.assertEqual(re.findall(r'(?m)^"(\w+)"$', said), ["blue", "blue", "green", "blue"])
        self.assertIn("live: 90 % to 1, 10 % to 2", said)

    def test_provisioned(self):
        said = self.run_example("provisioned")
        self.assertIn("provisioned  live: 2 of 2 ready, READY", said)
        call = json.loads(re.search(r"(?m)^\{.*\}$", said).group(0))
        self.assertEqual((call["Start"], call["Version"], call["Payload"]), ("warm", "1", '"ready"'))
        self.assertRegex(said, r"(?m)^ProvisionedConcurrency +2 +\d ")


if __name__ == "__main__":
    fixture.main("examples")
