"""Rows of calls on warm instances, and of what decides about them."""

import socket

from files import rival, tool, workerd
from measure import Row
from memory import Promised
from sides import Plain, Program, Served

CALLS = 5000       # that one sample of bench_throughput is made of
MESSAGES = 20000   # of floor_echo
WRK_SECONDS = 1

ONE_CPU = "one CPU for both processes"
PLACEMENTS = {"pinned": ONE_CPU, "spread": "unpinned"}


def inprocess(files, placement, suffix):
    return Row(f"warm.inprocess.lambda.vs_uds_rtt{suffix}", "warm", PLACEMENTS[placement],
               "ours: Runtime::invoke to the Outcome over Lambda's Runtime API, 1 KB in and out, a function in C; "
               "reference: 1 KB over a unix stream to another process and back",
               files.run("bench_calls", "warm", placement, "provided", files.directory("echo")),
               files.run("floor_uds", placement), (1000, 1000), function="echo")


def http(files, placement, suffix):
    return Row(f"warm.http.vs_inline{suffix}", "warm", PLACEMENTS[placement],
               "ours: POST /function/NAME, 1 KB in and out, a function in C, one keep-alive connection; "
               "reference: GET /healthz of the same server: no body and no function",
               files.run("bench_http", "function", placement, "provided", files.directory("echo")),
               files.run("bench_http", "inline", placement, "provided", files.directory("echo")), (1000, 1000),
               function="echo")


def throughput_inprocess(files):
    return Row("throughput.inprocess.lambda.vs_uds_echo", "warm", "one CPU for all processes",
               "ours: calls a second through Runtime::invoke over Lambda's Runtime API, 8 in flight on 8 instances "
               "of a function in C, 1 KB in and out; reference: messages a second, 1 KB there and back, 8 in flight "
               "on 8 unix streams to one process with one epoll descriptor",
               files.run("bench_throughput", "pinned", "provided", files.directory("echo")),
               files.run("floor_echo", "pinned"), (1, 1), unit="1/s", scale=1, function="echo",
               operations=lambda rate: CALLS)


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


def throughput_http(files):
    wrk, script, port = tool("wrk"), rival("post.lua"), free_port()
    ours = files.run("bench_http", "serve", "spread", "provided", files.directory("echo"))
    theirs = [workerd(), "serve", rival("workerd.capnp"), f"--socket-addr=http=127.0.0.1:{port}"]
    return Row("throughput.http.lambda.vs_workerd", "warm",
               f"server and function on CPU {Served.SERVER_CPU}, wrk on CPU {Served.CLIENT_CPU}",
               f"ours: POST /function/NAME a second, {Served.CONNECTIONS} connections of wrk, 250 bytes of JSON there "
               "and back, a function in C over Lambda's Runtime API; reference: workerd with a worker in JavaScript "
               "that parses and answers the JSON: another language, and no process of its own for it",
               lambda: Served(lambda cpu: Program(ours, cpu), wrk,
                              lambda server: f"http://{server.first.split()[1]}/function/bench", script,
                              WRK_SECONDS),
               lambda: Served(lambda cpu: Plain(theirs, cpu, lambda: answers(port)), wrk,
                              lambda server: f"http://127.0.0.1:{port}/", script, WRK_SECONDS),
               (1, 1), unit="1/s", scale=1, function="echo", operations=lambda rate: rate * WRK_SECONDS)


def timeout_answer(files):
    return Row("timeout.answer.vs_limit", "cold", "unpinned",
               "ours: from dispatch to the Outcome Sandbox.Timedout of a function that never answers, limit 1 s; "
               "reference: a second slept",
               files.run("bench_calls", "timeout", "spread", "python", files.directory("endless")),
               files.run("floor_sleep"), (1, 1))


def scheduler_scale(files):
    return Row("scheduler.decisions.100k_vs_1k", "none", "unpinned",
               "events decided in a second, 512 instances, 100,000 functions known; reference: 1,000 known",
               files.run("bench_scheduler_rate", "100000"), files.run("bench_scheduler_rate", "1000"),
               (5, 5), unit="1/s", scale=1, operations=lambda rate: 20000)


MILLION, FEW = 1_000_000, 1000
BYTES_EACH = 600


def registered(files, mode, words):
    many = 2 * FEW if files.settings.smoke else MILLION
    return Row(f"functions.1m.{mode}_vs_1k", "none", "unpinned",
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
    "warm.inprocess.lambda.vs_uds_rtt": lambda files: inprocess(files, "pinned", ""),
    "warm.inprocess.lambda.vs_uds_rtt@spread": lambda files: inprocess(files, "spread", "@spread"),
    "warm.http.vs_inline": lambda files: http(files, "pinned", ""),
    "warm.http.vs_inline@spread": lambda files: http(files, "spread", "@spread"),
    "throughput.inprocess.lambda.vs_uds_echo": throughput_inprocess,
    "throughput.http.lambda.vs_workerd": throughput_http,
    "functions.1m.dispatch_vs_1k": lambda files: registered(
        files, "dispatch", "ours: Runtime::invoke of a callable of the host, 200 of them by turns"),
    "functions.1m.listing_vs_1k": lambda files: registered(
        files, "listing", "ours: a page of 50 functions, from anywhere in the list"),
    "functions.1m.bytes_vs_promise": registered_bytes,
    "timeout.answer.vs_limit": timeout_answer,
    "scheduler.decisions.100k_vs_1k": scheduler_scale,
}
