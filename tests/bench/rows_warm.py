"""Rows of calls on warm instances, and of what decides about them."""

import socket
from dataclasses import dataclass

from files import rival, tool, workerd
from measure import Row
from memory import Promised
from sides import Plain, Program, Served

CALLS = 5000       # that one sample of bench_throughput is made of
MESSAGES = 20000   # of floor_echo
WRK_SECONDS = 1

ONE_CPU = "one CPU for both processes"
PLACEMENTS = {"pinned": ONE_CPU, "spread": "unpinned"}


@dataclass
class Contract:
    """How an instance is asked: `kind` of bench_calls and the like, and the function that echoes over it."""
    name: str
    kind: str
    program: str
    words: str

    def code(self, files):
        return [self.kind, files.code(f"echo-{self.name}", self.program, "bootstrap")]


LAMBDA = Contract("lambda", "provided", "bench_echo", "Lambda's Runtime API")
NATIVE = Contract("native", "native", "bench_echo_native", "the native contract")


def inprocess(files, contract, placement, suffix=""):
    return Row(f"warm.inprocess.{contract.name}.vs_uds_rtt{suffix}", "warm", PLACEMENTS[placement],
               f"ours: Runtime::invoke to the Outcome over {contract.words}, 1 KB in and out, a function in C; "
               "reference: 1 KB over a unix stream to another process and back",
               files.run("bench_calls", "warm", placement, *contract.code(files)),
               files.run("floor_uds", placement), (1000, 1000), function=contract.program)


def http(files, contract, name, placement, suffix=""):
    def command(mode):
        return files.run("bench_http", mode, placement, *contract.code(files))
    return Row(f"{name}{suffix}", "warm", PLACEMENTS[placement],
               f"ours: POST /function/NAME, 1 KB in and out, a function in C over {contract.words}, one keep-alive "
               "connection; reference: GET /healthz of the same server: no body and no function",
               command("function"), command("inline"), (1000, 1000), function=contract.program)


def throughput_inprocess(files, contract):
    return Row(f"throughput.inprocess.{contract.name}.vs_uds_echo", "warm", "one CPU for all processes",
               f"ours: calls a second through Runtime::invoke over {contract.words}, 8 in flight on 8 instances "
               "of a function in C, 1 KB in and out; reference: messages a second, 1 KB there and back, 8 in flight "
               "on 8 unix streams to one process with one epoll descriptor",
               files.run("bench_throughput", "pinned", *contract.code(files)),
               files.run("floor_echo", "pinned"), (1, 1), unit="1/s", scale=1, function=contract.program,
               operations=lambda rate: CALLS, reference_operations=lambda rate: MESSAGES)


def throughput_lanes(files, contract):
    def command(threads):
        return files.run("bench_throughput", "spread", *contract.code(files), str(threads))
    return Row(f"throughput.inprocess.{contract.name}.two_threads_vs_one", "warm", "unpinned",
               f"ours: calls a second through Runtime::invoke over {contract.words}, 8 in flight on 8 instances "
               "of a function in C, 1 KB in and out, on two threads and lanes; reference: the same on one",
               command(2), command(1), (1, 1), unit="1/s", scale=1, function=contract.program,
               operations=lambda rate: CALLS, reference_operations=lambda rate: CALLS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def served_http(files, contract, name, words, theirs):
    """`theirs(wrk, script)` opens what ours is measured beside."""
    wrk, script = tool("wrk"), rival("post.lua")
    ours = files.run("bench_http", "serve", "spread", *contract.code(files))
    return Row(f"throughput.http.{contract.name}.{name}", "warm",
               f"server and function on CPU {Served.SERVER_CPU}, wrk on CPU {Served.CLIENT_CPU}",
               f"ours: POST /function/NAME a second, {Served.CONNECTIONS} connections of wrk, 250 bytes of JSON there "
               f"and back, a function in C over {contract.words}; reference: {words}",
               lambda: Served(lambda cpu: Program(ours, cpu), wrk,
                              lambda server: f"http://{server.first.split()[1]}/function/bench", script,
                              WRK_SECONDS),
               lambda: theirs(wrk, script),
               (1, 1), unit="1/s", scale=1, function=contract.program,
               operations=lambda rate: rate * WRK_SECONDS)


def throughput_workerd(files, contract):
    port = free_port()
    command = [workerd(), "serve", rival("workerd.capnp"), f"--socket-addr=http=127.0.0.1:{port}"]
    return served_http(files, contract, "vs_workerd",
                       "workerd with a worker in JavaScript that parses and answers the JSON: another language, and "
                       "no process of its own for it",
                       lambda wrk, script: Served(lambda cpu: Plain(command, cpu, lambda: answers(port)), wrk,
                                                  lambda server: f"http://127.0.0.1:{port}/", script, WRK_SECONDS))


def throughput_hop(files, contract):
    floor = files.run("floor_hop")
    return served_http(files, contract, "vs_floor_hop",
                       "a server in C that checks nothing, with a process for each connection behind a socket pair",
                       lambda wrk, script: Served(lambda cpu: Program(floor, cpu), wrk,
                                                  lambda server: f"http://{server.first.split()[1]}/", script,
                                                  WRK_SECONDS))


def timeout_answer(files):
    return Row("timeout.answer.vs_limit", "cold", "unpinned",
               "ours: from dispatch to the Outcome Sandbox.Timedout of a function that never answers, limit 1 s; "
               "reference: a second slept",
               files.run("bench_calls", "timeout", "spread", "python", files.directory("endless")),
               files.run("floor_sleep"), (1, 1))


EVENTS = 20_000  # of one sample of bench_scheduler_rate


def scheduler_scale(files):
    return Row("scheduler.decisions.100k_vs_1k", "none", "unpinned",
               "events decided in a second, 512 instances, 100,000 functions known; reference: 1,000 known",
               files.run("bench_scheduler_rate", "100000"), files.run("bench_scheduler_rate", "1000"),
               (5, 5), unit="1/s", scale=1, operations=lambda _: EVENTS)


def scheduler_decide(files):
    return Row("sched.decide", "none", "unpinned",
               "a decision with 100,000 functions known, 512 instances, accounts, reservations and callers counted; "
               "reference: with 1,000 known (promised: a ratio of at most 1.5)",
               files.run("bench_scheduler_rate", "100000", "time"), files.run("bench_scheduler_rate", "1000", "time"),
               (5, 5), unit="ns", scale=1 / EVENTS, operations=lambda _: EVENTS)


MILLION, FEW = 1_000_000, 1000
BYTES_EACH = 600


def registered(files, mode, level, words):
    many = 2 * FEW if files.settings.smoke else MILLION
    return Row(f"functions.1m.{mode}_vs_1k", level, "unpinned",
               f"{words}, with {MILLION:,} functions registered and durable; reference: with {FEW:,}",
               files.run("bench_functions_million", mode, str(many), files.directory("functions")),
               files.run("bench_functions_million", mode, str(FEW), files.directory("functions")), (1000, 1000))


def registered_bytes(files):
    many = 2 * FEW if files.settings.smoke else MILLION
    return Promised("functions.1m.bytes_vs_promise",
                    f"no A B B A: resident memory of a runtime with {MILLION:,} functions, less that of one with "
                    f"{FEW:,}, for each of the difference; reference: the {BYTES_EACH} bytes promised",
                    files.run("bench_functions_million", "bytes", str(many), files.directory("functions")),
                    BYTES_EACH, "B")


ROWS = {
    "warm.inprocess.native.vs_uds_rtt": lambda files: inprocess(files, NATIVE, "pinned"),
    "warm.inprocess.native.vs_uds_rtt@spread": lambda files: inprocess(files, NATIVE, "spread", "@spread"),
    "warm.inprocess.lambda.vs_uds_rtt": lambda files: inprocess(files, LAMBDA, "pinned"),
    "warm.inprocess.lambda.vs_uds_rtt@spread": lambda files: inprocess(files, LAMBDA, "spread", "@spread"),
    "warm.http.vs_inline": lambda files: http(files, LAMBDA, "warm.http.vs_inline", "pinned"),
    "warm.http.vs_inline@spread": lambda files: http(files, LAMBDA, "warm.http.vs_inline", "spread", "@spread"),
    "warm.http.native.vs_inline": lambda files: http(files, NATIVE, "warm.http.native.vs_inline", "pinned"),
    "throughput.inprocess.native.vs_uds_echo": lambda files: throughput_inprocess(files, NATIVE),
    "throughput.inprocess.lambda.vs_uds_echo": lambda files: throughput_inprocess(files, LAMBDA),
    "throughput.inprocess.native.two_threads_vs_one": lambda files: throughput_lanes(files, NATIVE),
    "throughput.inprocess.lambda.two_threads_vs_one": lambda files: throughput_lanes(files, LAMBDA),
    "throughput.http.native.vs_workerd": lambda files: throughput_workerd(files, NATIVE),
    "throughput.http.lambda.vs_workerd": lambda files: throughput_workerd(files, LAMBDA),
    "throughput.http.native.vs_floor_hop": lambda files: throughput_hop(files, NATIVE),
    "functions.1m.dispatch_vs_1k": lambda files: registered(
        files, "dispatch", "warm", "ours: Runtime::invoke of a callable of the host, 200 of them by turns"),
    "functions.1m.listing_vs_1k": lambda files: registered(
        files, "listing", "none", "ours: a page of 50 functions, from anywhere in the list"),
    "functions.1m.bytes_vs_promise": registered_bytes,
    "timeout.answer.vs_limit": timeout_answer,
    "scheduler.decisions.100k_vs_1k": scheduler_scale,
    "sched.decide": scheduler_decide,
}
