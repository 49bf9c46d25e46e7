"""The rows of scripts/bench: which two programs are measured against each other, and what is fair in it."""

import json
import os
import pathlib
import shutil
from dataclasses import dataclass


class Missing(Exception):
    """Why a row cannot be measured on this host."""


@dataclass
class Row:
    name: str
    level: str
    note: str
    ours: list            # a program with its arguments
    reference: list
    block: tuple          # samples of ours and of the reference in each half of a round
    unit: str = "us"      # or "1/s"
    scale: float = 1e-3   # from what the programs print


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Missing(f"{name} is not installed (scripts/setup --tests)")
    return found


def interpreter(prefix):
    """The newest /usr/bin/python3.N, or node: the one the runtime takes."""
    if prefix == "node":
        if not pathlib.Path("/usr/bin/node").exists():
            raise Missing("/usr/bin/node is not installed (scripts/setup)")
        return "/usr/bin/node"
    found = [p for p in pathlib.Path("/usr/bin").glob("python3.*") if p.name[8:].isdigit()]
    if not found:
        raise Missing("no /usr/bin/python3.N is installed (scripts/setup)")
    return str(max(found, key=lambda p: p.name))


class Files:
    """What the programs need on disk, made once in a directory that every user may read."""

    def __init__(self, work, programs):
        self.work, self.bin = work, programs
        work.chmod(0o755)
        self._program("native", "bench_hello", "hello")
        self._program("echo", "bench_echo", "bootstrap")
        self._text("python/hello.py", "def handler(event, context):\n    return event\n")
        self._text("endless/hello.py", "import time\ndef handler(event, context):\n    time.sleep(60)\n")
        self._text("node/index.js", "exports.handler = async (event) => event;\n")
        self._text("empty/empty.py", "")
        self._text("empty/empty.js", "")

    def _program(self, folder, program, name):
        target = self.work / folder / name
        target.parent.mkdir(mode=0o755)
        shutil.copy(self.bin / program, target)
        target.chmod(0o755)

    def _text(self, name, text):
        path = self.work / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.write_text(text)

    def directory(self, name):
        return str(self.work / name)

    def run(self, program, *arguments):
        return [str(self.bin / program), *arguments]

    def bundle(self):
        """An OCI bundle with the same program, the same seven namespaces and no filter."""
        bundle = self.work / "bundle"
        if bundle.exists():
            return str(bundle)
        (bundle / "rootfs").mkdir(parents=True)
        for folder in ("usr", "proc", "dev", "tmp", "var/task"):
            (bundle / "rootfs" / folder).mkdir(parents=True)
        (bundle / "config.json").write_text(json.dumps(bundle_config(self.directory("native"))))
        return str(bundle)


def bundle_config(task):
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    kinds = ("user", "pid", "mount", "network", "ipc", "uts", "cgroup")
    read_only = ["rbind", "ro", "nosuid", "nodev"]
    return {
        "ociVersion": "1.0.2",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/var/task/hello"],
                    "env": [], "cwd": "/var/task", "noNewPrivileges": True, "capabilities": {}},
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
            {"destination": "/usr", "type": "bind", "source": "/usr", "options": read_only},
            {"destination": "/var/task", "type": "bind", "source": task, "options": read_only},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in kinds], "uidMappings": ids, "gidMappings": ids},
    }


COLD_NATIVE = ("ours: Sandbox::submit to the first byte of a static program, empty pools, seven namespaces, "
               "own root, filter, no capabilities, listener")


def cold_native_vs_floor(files):
    return Row("cold.native.vs_floor", "cold",
               COLD_NATIVE + "; reference: cgroup, the same seven namespaces, exec, nothing else",
               files.run("bench_cold_native", files.directory("native")),
               files.run("floor_spawn", files.directory("native/hello")), (10, 10))


def cold_native_vs_bwrap(files):
    task = files.directory("native")
    shares = [f"--unshare-{kind}" for kind in ("user", "pid", "net", "ipc", "uts", "cgroup")]
    return Row("cold.native.vs_bwrap", "cold",
               COLD_NATIVE + "; reference: bwrap, the same namespaces, own root; no filter, no cgroup",
               files.run("bench_cold_native", task),
               files.run("floor_program", "byte", tool("bwrap"), *shares, "--ro-bind", "/usr", "/usr",
                         "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", task, "/var/task",
                         "--cap-drop", "ALL", "--clearenv", "/var/task/hello"), (10, 4))


def cold_native_vs_runc(files):
    if os.geteuid() != 0:
        raise Missing("runc with these namespaces and a cgroup needs root")
    return Row("cold.native.vs_runc", "cold",
               COLD_NATIVE + "; reference: runc run on a prebuilt bundle, the same namespaces; no filter, no limits",
               files.run("bench_cold_native", files.directory("native")),
               files.run("floor_program", "byte", tool("runc"), "--root", files.directory("runc"), "run",
                         "--bundle", files.bundle(), f"bench-{os.getpid()}"), (10, 2))


def cold_interpreter(files, kind, command, empty):
    return Row(f"cold.{kind}.vs_bare", "cold",
               "ours: Runtime::invoke to the answer, a fresh jail each time, code cached; reference: the same "
               "interpreter outside of any jail, env -i, an empty program, start to end",
               files.run("bench_calls", "cold", "spread", kind if kind == "python" else "nodejs",
                         files.directory(kind)),
               files.run("floor_program", "exit", *command, files.directory(f"empty/{empty}")), (3, 3))


def cold_python_vs_bare(files):
    return cold_interpreter(files, "python", [interpreter("python3"), "-I"], "empty.py")


def cold_node_vs_bare(files):
    return cold_interpreter(files, "node", [interpreter("node")], "empty.js")


def warm_inprocess(files, placement, suffix):
    return Row(f"warm.inprocess.lambda.vs_uds_rtt{suffix}", "warm",
               f"ours: Runtime::invoke to the Outcome over Lambda's Runtime API, 1 KB in and out, a function in C, "
               f"{placement}; reference: 1 KB over a unix stream to another process and back, {placement}",
               files.run("bench_calls", "warm", placement, "provided", files.directory("echo")),
               files.run("floor_uds", placement), (1000, 1000))


def warm_http(files, placement, suffix):
    return Row(f"warm.http.vs_inline{suffix}", "warm",
               f"ours: POST /function/NAME, 1 KB in and out, a function in C, one keep-alive connection, {placement}; "
               f"reference: GET /healthz of the same server: no body and no function, {placement}",
               files.run("bench_http", "function", placement, files.directory("echo")),
               files.run("bench_http", "inline", placement, files.directory("echo")), (1000, 1000))


def timeout_answer(files):
    return Row("timeout.answer.vs_limit", "cold",
               "ours: from dispatch to the Outcome Sandbox.Timedout of a function that never answers, limit 1 s; "
               "reference: a second slept",
               files.run("bench_calls", "timeout", "spread", "python", files.directory("endless")),
               files.run("floor_sleep"), (1, 1))


def scheduler_scale(files):
    return Row("scheduler.decisions.100k_vs_1k", "none",
               "events decided in a second, 512 instances, 100,000 functions known; reference: 1,000 known",
               files.run("bench_scheduler_rate", "100000"), files.run("bench_scheduler_rate", "1000"),
               (5, 5), unit="1/s", scale=1)


ROWS = {
    "cold.native.vs_floor": cold_native_vs_floor,
    "cold.native.vs_bwrap": cold_native_vs_bwrap,
    "cold.native.vs_runc": cold_native_vs_runc,
    "cold.python.vs_bare": cold_python_vs_bare,
    "cold.node.vs_bare": cold_node_vs_bare,
    "warm.inprocess.lambda.vs_uds_rtt": lambda files: warm_inprocess(files, "pinned", ""),
    "warm.inprocess.lambda.vs_uds_rtt@spread": lambda files: warm_inprocess(files, "spread", "@spread"),
    "warm.http.vs_inline": lambda files: warm_http(files, "pinned", ""),
    "warm.http.vs_inline@spread": lambda files: warm_http(files, "spread", "@spread"),
    "timeout.answer.vs_limit": timeout_answer,
    "scheduler.decisions.100k_vs_1k": scheduler_scale,
}
