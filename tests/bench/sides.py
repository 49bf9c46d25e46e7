"""The two sides of a row: each gives blocks of samples, and has processes that can be looked at."""

import ctypes
import json
import os
import pathlib
import re
import select
import subprocess
import time
import urllib.request

import posture
import processes

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 600  # seconds for one answer; a million functions are deployed before the first one


class Missing(Exception):
    """Why a row cannot be measured on this host."""


class Failed(Exception):
    """A side did not do what it is there for."""


def adopt_orphans():
    """What a rival leaves to init stays in its tree, and is counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Program:
    """Speaks the protocol of sampler.h. `cpu`: the one it may use, with its children."""

    def __init__(self, command, cpu=None):
        def prepare():
            adopt_orphans()
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})
        self.name = pathlib.Path(command[0]).name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=prepare)
        self.roots = {self.process.pid}
        try:
            self.first = self._first_line()
        except BaseException:
            self.close()
            raise

    def _read_line(self):
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise Failed(f"{self.name} gave no answer within {PATIENCE} s")
        return self.process.stdout.readline()

    def _first_line(self):
        line = self._read_line().strip()
        if line.startswith("unavailable: "):
            raise Missing(f"{self.name}: {line.removeprefix('unavailable: ')}")
        if line.split(" ")[0] != "ready":
            raise Failed(f"{self.name} ended before it was ready; its words are above")
        return line

    def _ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return self._read_line()
        except BrokenPipeError:
            return ""

    def block(self, count):
        samples = [int(word) for word in self._ask(str(count)).split()]
        if len(samples) != count:
            raise Failed(f"{self.name} gave {len(samples)} samples of {count}; its words are above")
        return samples

    def posture(self):
        """The lines of an instance that runs, or None where the program has none to show."""
        answer = self._ask("hold").strip()
        if answer == "none":
            return None
        if answer != "held":
            raise Failed(f"{self.name} could not hold an instance; its words are above")
        lines = posture.read(processes.deepest(self.roots).pid)
        if self._ask("release").strip() != "released":
            raise Failed(f"{self.name} could not let its instance go; its words are above")
        return lines

    def cpu_seconds(self):
        return processes.cpu_seconds(self.roots)

    def pools(self):
        return processes.pools(self.roots)

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()


class Rival(Program):
    """A program that knows nothing of us, under floor_program. `held` starts it with a function that prints a
    byte, stays for a while and ends."""

    def __init__(self, command, held):
        super().__init__(command)
        self.held = held

    def posture(self):
        with subprocess.Popen(self.held, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={}) as running:
            if running.stdout.read(1) != b"!":
                raise Failed(f"{self.held[0]} could not hold an instance; its words are above")
            return posture.read(processes.deepest({*self.roots, running.pid}).pid)


class Containerd(Rival):
    """A containerd of our own for as long as `command`, which talks to it, is measured."""

    def __init__(self, containerd, work, command, held):
        work.mkdir()
        self.log = (work / "log").open("w+")
        (work / "config.toml").write_text(
            f'version = 2\nroot = "{work}/root"\nstate = "{work}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
            f'[grpc]\naddress = "{work}/socket"\n[ttrpc]\naddress = "{work}/socket.ttrpc"\n')
        self.daemon = subprocess.Popen([containerd, "-c", str(work / "config.toml")], stdout=self.log,
                                       stderr=subprocess.STDOUT, preexec_fn=adopt_orphans)
        try:
            self._await(work / "socket")
            super().__init__(command, held)
        except BaseException:
            self._end()
            raise
        self.roots.add(self.daemon.pid)

    def _await(self, socket):
        for _ in range(100):
            if socket.exists():
                return
            if self.daemon.poll() is not None:
                self.log.seek(0)
                last = (self.log.read().strip().splitlines() or ["it said nothing"])[-1]
                raise Missing(f"containerd does not start here: {last}")
            time.sleep(0.1)
        raise Missing("containerd made no socket within 10 s")

    def _end(self):
        self.daemon.terminate()
        self.daemon.wait()
        self.log.close()

    def close(self):
        super().close()
        self._end()


class Served:
    """A server on one CPU and wrk on another; a sample is wrk's requests a second over `seconds`."""

    SERVER_CPU, CLIENT_CPU, CONNECTIONS = 1, 0, 32

    def __init__(self, server, wrk, url, script, seconds):
        """`server()` starts it, pinned: a Program or Plain. `url(server)` is what wrk calls."""
        if not {self.SERVER_CPU, self.CLIENT_CPU} <= os.sched_getaffinity(0):
            raise Missing("server and wrk each need a CPU of their own, 0 and 1")
        self.server = server(self.SERVER_CPU)
        self.command = [wrk, "-t1", f"-c{self.CONNECTIONS}", f"-d{seconds}s", "-s", str(script),
                        url(self.server)]
        self.cpu_seconds, self.pools, self.close = self.server.cpu_seconds, self.server.pools, self.server.close
        try:
            self._first(url(self.server))
        except BaseException:
            self.close()
            raise

    def _first(self, url):
        """Starts an instance, where there are any."""
        body = b'{"message":"first"}'
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                echoed = answer.read()
        except OSError as why:
            raise Failed(f"{url}: {why}") from why
        if json.loads(echoed) != json.loads(body):
            raise Failed(f"{url} did not answer with what it was given")

    def posture(self):
        return posture.read(processes.deepest(self.server.roots).pid)

    def block(self, count):
        return [self._once() for _ in range(count)]

    def _once(self):
        done = subprocess.run(self.command, capture_output=True, text=True, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, {self.CLIENT_CPU}))
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        if not rate or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise Failed(f"wrk: {(done.stdout + done.stderr).strip()}")
        return float(rate[1])


class Plain:
    """A server that knows nothing of us: it is ready when something answers at its port."""

    def __init__(self, command, cpu, answers):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        self.roots = {self.process.pid}
        for _ in range(100):
            if answers():
                return
            time.sleep(0.1)
        self.close()
        raise Failed(f"{pathlib.Path(command[0]).name} did not answer within 10 s")

    def cpu_seconds(self):
        return processes.cpu_seconds(self.roots)

    def pools(self):
        return processes.pools(self.roots)

    def close(self):
        self.process.terminate()
        self.process.wait()
