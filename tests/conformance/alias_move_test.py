#!/usr/bin/env python3
"""An alias that is moved to and fro under calls: every call is answered, by the old version or the new one, and never by
the old one once the move was acknowledged. FAAS_ALIAS_MOVES sets how often it moves (default 100)."""

import bisect
import json
import os
import threading
import time

import fixture
import service
from packages import marked
from scenario import BASE
from wire import Wire

MOVES = int(os.environ.get("FAAS_ALIAS_MOVES", "100"))
fixture.be_a_client()
SERVICE = service.found()
CALLERS, CALLS_A_SECOND, MOVES_A_SECOND = 4, 100, 50
LIVE = {"FunctionName": "f", "Qualifier": "live"}


class Callers:
    """Threads that call the alias at their pace until they are stopped; what each call saw and when."""

    def __init__(self, url):
        self.url, self.stopping, self.answers, self.failures = url, threading.Event(), [], []
        self.threads = [threading.Thread(target=self.call) for _ in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def call(self):
        wire = Wire(self.url, SERVICE)
        following = time.monotonic()
        while not self.stopping.wait(max(0.0, following - time.monotonic())):
            following += CALLERS / CALLS_A_SECOND
            try:
                before = time.monotonic()
                told = wire.call("Invoke", {**LIVE, "Payload": b"{}"})
                self.answers.append((before, time.monotonic(), told["ExecutedVersion"], told.get("FunctionError"),
                                     json.loads(told["Payload"])))
            except Exception as error:  # whatever it is, the test is about there being none
                self.failures.append(repr(error))
        wire.close()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class AliasMoves(fixture.Case):
    def make(self):
        self.wire = Wire(self.daemon.url, SERVICE)
        self.addCleanup(self.wire.close)
        self.wire.call("CreateFunction", {"FunctionName": "f", "Code": {"ZipFile": marked("one")}, "Timeout": 30, **BASE})
        self.wire.call("PublishVersion", {"FunctionName": "f"})
        self.wire.call("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": marked("two"), "Publish": True})
        self.wire.call("CreateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"})

    def test_every_call_is_answered_by_the_old_version_or_the_new_one_and_none_fails(self):
        self.make()
        callers = Callers(self.daemon.url)
        moves = [(0.0, 0.0, "1")]  # begun, acknowledged, to which version
        try:
            for number in range(MOVES):
                time.sleep(1 / MOVES_A_SECOND)
                version, begun = "21"[number % 2], time.monotonic()
                self.wire.call("UpdateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": version})
                moves.append((begun, time.monotonic(), version))
        finally:
            callers.stop()
        self.assertEqual([], callers.failures[:3])
        self.assertGreater(len(callers.answers), MOVES // 2)
        for before, after, executed, error, payload in callers.answers:
            self.assertIsNone(error, payload)
            self.assertEqual({"mark": {"1": "one", "2": "two"}[executed], "version": executed}, payload)
            self.assertIn(executed, self.possible(moves, before, after))
        self.assertEqual({"1", "2"}, {answer[2] for answer in callers.answers})
        print(f"{len(callers.answers)} calls during {MOVES} moves")

    def test_a_call_may_meet_what_an_alias_was_while_it_ran_and_nothing_else(self):
        moves = [(0.0, 0.0, "1"), (5.0, 6.0, "2")]
        for during, versions in (((1, 2), {"1"}), ((1, 5.5), {"1", "2"}), ((5.2, 5.4), {"1", "2"}), ((6.5, 7), {"2"})):
            self.assertEqual(versions, self.possible(moves, *during))

    @staticmethod
    def possible(moves, before, after):
        """The versions an alias had at any moment of a call: from the last move acknowledged before it to the last one
        begun before its end."""
        first = bisect.bisect_right([acknowledged for _, acknowledged, _ in moves], before) - 1
        last = bisect.bisect_right([begun for begun, _, _ in moves], after) - 1
        return {version for _, _, version in moves[first:last + 1]}


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("alias_move", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("alias_move")
