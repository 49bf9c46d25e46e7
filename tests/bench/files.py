"""What the measured programs need on disk, made once in a directory that every user may read."""

import json
import os
import pathlib
import shutil
from dataclasses import dataclass

from sides import Missing

HERE = pathlib.Path(__file__).resolve().parent


@dataclass
class Settings:
    rounds: int = 30
    scaleout_seconds: int = 60  # of each side, over all rounds
    smoke: bool = False         # the least that runs everything once: no figure of it means anything

    def scaleout_milliseconds(self):
        return 50 if self.smoke else max(100, self.scaleout_seconds * 1000 // (2 * self.rounds))


def tool(name, setup="--tests"):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Missing(f"{name} is not installed (scripts/setup {setup})")
    return found


def workerd():
    found = HERE.parents[1] / ".cache/workerd/workerd"  # scripts/setup fetches it
    if not found.exists():
        raise Missing("workerd is not here (scripts/setup --tests=2)")
    return str(found)


def rival(name):
    return str(HERE / "rivals" / name)


def interpreter(prefix):
    """The newest /usr/bin/python3.N, or node: the one the runtime takes."""
    if prefix == "node":
        if not pathlib.Path("/usr/bin/node").exists():
            raise Missing("/usr/bin/node is not installed (scripts/setup)")
        return "/usr/bin/node"
    found = [p for p in pathlib.Path("/usr/bin").glob("python3.*") if p.name[8:].isdigit()]
    if not found:
        raise Missing("no /usr/bin/python3.N is installed (scripts/setup)")
    return str(max(found, key=lambda p: int(p.name[8:])))


PYTHON = """def handler(event, context):
    if event == "hold":
        __import__("time").sleep(1)
    return event
"""
NODE = """exports.handler = async (event) => {
  if (event === "hold") await new Promise((go) => setTimeout(go, 1000));
  return event;
};
"""


class Files:
    def __init__(self, work, programs, settings):
        self.work, self.bin, self.settings = work, programs, settings
        work.chmod(0o755)
        self._text("python/hello.py", PYTHON)
        self._text("endless/hello.py", "import time\ndef handler(event, context):\n    time.sleep(60)\n")
        self._text("node/index.js", NODE)
        self._text("empty/empty.js", "")

    def code(self, folder, program, name):
        """The directory with a program of ours as `name`, alone."""
        target = self.work / folder / name
        if not target.exists():
            self.run(program)
            target.parent.mkdir(mode=0o755)
            shutil.copy(self.bin / program, target)
            target.chmod(0o755)
        return str(target.parent)

    def hello(self):
        return self.code("hello", "bench_hello", "hello")

    def _text(self, name, text):
        path = self.work / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.write_text(text)

    def directory(self, name):
        return str(self.work / name)

    def run(self, program, *arguments):
        if not (self.bin / program).exists():
            raise Missing(f"{program} is not built (target bench_programs)")
        return [str(self.bin / program), *arguments]

    def bundle(self, *arguments):
        """An OCI bundle with the same program, the same seven namespaces and no filter."""
        bundle = self.work / "-".join(("bundle", *arguments))
        if not bundle.exists():
            for folder in ("usr", "proc", "dev", "tmp", "var/task"):
                (bundle / "rootfs" / folder).mkdir(parents=True)
            config = bundle_config(str(bundle / "rootfs"), self.hello(), arguments)
            (bundle / "config.json").write_text(json.dumps(config))
        return str(bundle)


def bundle_config(root, task, arguments):
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    kinds = ("user", "pid", "mount", "network", "ipc", "uts", "cgroup")
    read_only = ["rbind", "ro", "nosuid", "nodev"]
    return {
        "ociVersion": "1.0.2",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/var/task/hello", *arguments],
                    "env": [], "cwd": "/var/task", "noNewPrivileges": True, "capabilities": {}},
        "root": {"path": root, "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
            {"destination": "/usr", "type": "bind", "source": "/usr", "options": read_only},
            {"destination": "/var/task", "type": "bind", "source": task, "options": read_only},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in kinds], "uidMappings": ids, "gidMappings": ids},
    }
