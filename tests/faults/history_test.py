#!/usr/bin/env python3
"""The checker accepts a history that keeps the promise, and rejects each that differs from it in one thing."""

import hashlib
import json
import unittest

import history


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def record(at, kind, name=None, **fields):
    if kind in ("invoke", "deliver"):
        fields = {"sha256": sha(name), **fields}
    return {"at": at, "kind": kind, **({"id": name} if name else {}), **fields}


def deliver(at, name, outcome, attempt=1):
    return record(at, "deliver", name, attempt=attempt, outcome=outcome)


ACKED = ["plain", "retried", "exhausted", "aged", "waiting", "again", "unheard", "poisoned"]
GOOD = [
    record(0, "policy", attempts=3, age=60), record(0, "start"),
    *[record(1, "invoke", name) for name in [*ACKED, "refused", "silent", "failed"]],
    record(1.1, "sync", ids=[*ACKED, "silent"]),
    *[record(1.2, "ack", name) for name in ACKED],
    record(1.2, "deny", "refused", status=429),
    record(1.2, "deny", "failed", status=500),
    deliver(2, "plain", "success"), record(2.5, "result", "plain", outcome="success"),
    deliver(2, "retried", "error"), deliver(3, "retried", "timeout", 2), deliver(4, "retried", "success", 3),
    deliver(2, "exhausted", "error"), deliver(3, "exhausted", "crash", 2), deliver(4, "exhausted", "error", 3),
    record(5, "dead-letter", "exhausted", condition="RetriesExhausted"),
    deliver(2, "silent", "success"),
    deliver(2, "failed", "success"),
    deliver(6, "unheard", "success"), record(6.1, "fault", "unheard", what="lost"), deliver(7, "unheard", "success"),
    deliver(9, "again", "success"), deliver(9, "poisoned", "unknown"),
    record(9.5, "kill"), record(9.6, "start"),
    deliver(10, "again", "success"), deliver(10, "poisoned", "unknown"),
    record(10.5, "kill"), record(10.6, "start"), deliver(11, "poisoned", "unknown"),
    record(11.5, "kill"), record(11.6, "start"),
    record(12, "dead-letter", "poisoned", condition="Poisoned"),
    record(70, "dead-letter", "aged", condition="EventAgeExceeded"),
    record(80, "pending", "waiting"),
]


def place(kind, name=None, nth=0):
    return [i for i, each in enumerate(GOOD) if each["kind"] == kind and each.get("id") == name][nth]


def without(*which):
    return [each for i, each in enumerate(GOOD) if i != place(*which)]


def changed(*which, **fields):
    return [{**each, **fields} if i == place(*which) else each for i, each in enumerate(GOOD)]


def check(records):
    return history.check(json.dumps(each) for each in records)


class HistoryCase(unittest.TestCase):
    def accepted(self, records):
        self.assertEqual([], check(records).violations)

    def rejected(self, rule, name, sentence, records):
        found = check(records).violations
        self.assertEqual([(rule, name)], [(each.rule, each.id) for each in found], found)
        self.assertIn(sentence, found[0].sentence)


class Good(HistoryCase):
    def test_a_history_that_keeps_the_promise_is_accepted(self):
        self.accepted(GOOD)

    def test_the_order_of_the_lines_means_nothing(self):
        self.accepted(GOOD[::-1])

    def test_the_summary_counts_events_and_kills(self):
        self.assertEqual({"accepted": 8, "delivered": 8, "dead-lettered": 3, "pending": 1, "lost": 0, "kills": 3},
                         check(GOOD).summary)
        self.assertEqual(7, check(without("deliver", "silent")).summary["delivered"])
        self.assertEqual(1, check(without("pending", "waiting")).summary["lost"])

    def test_an_invoke_without_a_reply_may_be_delivered_or_not(self):
        self.accepted(without("deliver", "silent"))

    def test_an_event_that_was_delivered_before_its_acknowledgement_was_seen_is_accepted(self):
        self.accepted(changed("deliver", "plain", at=1.15))

    def test_without_syncs_nothing_is_said_of_early_acknowledgements(self):
        self.accepted(without("sync"))

    def test_a_daemon_killed_during_an_attempt_has_not_used_it(self):
        self.accepted(GOOD + [deliver(9.2, "late", "error"), deliver(9.3, "late", "error", 2),
                              deliver(9.4, "late", "error", 3), deliver(9.7, "late", "success", 3),
                              record(1, "invoke", "late")])

    def test_zero_reserved_concurrency_is_a_condition_once_it_is_zero(self):
        zero = changed("dead-letter", "aged", condition="ZeroReservedConcurrency")
        self.accepted(zero + [record(69, "reserved", value=0)])
        for more in ([], [record(71, "reserved", value=0)], [record(69, "reserved", value=1)]):
            self.rejected("untrue", "aged", "was not zero", zero + more)

    def test_where_failures_have_no_destination_a_delivery_is_an_end(self):
        failed = without("dead-letter", "exhausted")
        self.rejected("lost", "exhausted", "neither delivered with success", failed)
        self.accepted([{**each, "dead_letters": False} if each["kind"] == "policy" else each for each in failed])


class Doctored(HistoryCase):
    def test_an_acknowledged_event_that_is_nowhere_is_lost(self):
        self.rejected("lost", "waiting", "neither delivered nor", without("pending", "waiting"))
        self.rejected("lost", "aged", "neither delivered nor", without("dead-letter", "aged"))
        self.rejected("lost", "retried", "neither delivered with success", without("deliver", "retried", 2))

    def test_a_definite_denial_is_not_delivered(self):
        for status in (400, 404, 413, 429, 503):
            self.rejected("denied", "failed", f"denied with {status}", changed("deny", "failed", status=status))
        self.rejected("denied", "refused", "and delivered", GOOD + [deliver(2, "refused", "success")])
        self.rejected("denied", "refused", "and pending", GOOD + [record(80, "pending", "refused")])

    def test_the_payload_is_the_one_that_was_sent(self):
        self.rejected("altered", "plain", sha("other"), changed("deliver", "plain", sha256=sha("other")))

    def test_attempts_end_with_the_policy(self):
        self.rejected("attempts", "exhausted", "4 attempts, 3", GOOD + [deliver(4.5, "exhausted", "error", 4)])
        self.rejected("attempts", "exhausted", "4 attempts, 3", GOOD + [deliver(4.5, "exhausted", "error", 3)])
        self.rejected("attempts", "plain", "4 attempts, 3", changed("deliver", "plain", attempt=4))

    def test_no_event_is_delivered_after_its_age(self):
        self.accepted(changed("deliver", "retried", 2, at=61))
        self.rejected("late", "retried", "60.300 s", changed("deliver", "retried", 2, at=61.5))
        self.accepted([{**each, "slack": 1} if each["kind"] == "policy" else each
                       for each in changed("deliver", "retried", 2, at=61.5)])

    def test_a_success_is_delivered_again_only_for_a_reason(self):
        self.rejected("twice", "unheard", "again at 7", without("fault", "unheard"))
        self.rejected("twice", "again", "again at 9.4", changed("deliver", "again", 1, at=9.4))
        self.rejected("twice", "plain", "again at 3", GOOD + [deliver(3, "plain", "error")])

    def test_a_dead_letter_is_the_end(self):
        self.rejected("risen", "exhausted", "a success at 6", GOOD + [deliver(6, "exhausted", "success", 3)])
        self.rejected("risen", "aged", "a success at 71", GOOD + [deliver(71, "aged", "success")])

    def test_an_acknowledgement_waits_for_its_sync(self):
        self.rejected("early", "plain", "synced at 1.1", changed("ack", "plain", at=1.05))
        self.rejected("early", "plain", "never synced", changed("sync", ids=[*ACKED[1:], "silent"]))

    def test_what_was_never_invoked_is_not_delivered(self):
        self.rejected("uninvoked", "silent", "never invoked", without("invoke", "silent"))
        self.rejected("uninvoked", "silent", "not invoked until", changed("invoke", "silent", at=3))
        self.rejected("uninvoked", "nobody", "dead-lettered",
                      GOOD + [record(5, "dead-letter", "nobody", condition="RetriesExhausted")])
        self.rejected("uninvoked", "nobody", "told", GOOD + [record(5, "result", "nobody", outcome="success")])

    def test_the_condition_of_a_dead_letter_is_true(self):
        self.rejected("untrue", "exhausted", "after 2 of 3", without("deliver", "exhausted", 2))
        self.rejected("untrue", "aged", "under 60 s", changed("dead-letter", "aged", at=60.9))
        self.rejected("untrue", "poisoned", "after 2 deaths", without("kill", None, 1))
        self.rejected("untrue", "aged", "no condition", changed("dead-letter", "aged", condition="Tired"))
        self.rejected("untrue", "exhausted", "after a success", changed("deliver", "exhausted", 2, outcome="success"))

    def test_an_event_has_one_dead_letter(self):
        self.rejected("buried_twice", "exhausted", "2 dead letters",
                      GOOD + [record(6, "dead-letter", "exhausted", condition="RetriesExhausted")])

    def test_a_success_that_is_told_has_happened(self):
        self.rejected("invented", "aged", "no delivery was", GOOD + [record(69, "result", "aged", outcome="success")])


class Forms(HistoryCase):
    def test_an_observer_that_contradicts_itself_is_no_witness(self):
        for records in ([], without("policy"), GOOD + [record(0, "policy", attempts=1, age=1)],
                        GOOD + [record(1, "invoke", "plain")], GOOD + [record(2, "deny", "plain", status=429)],
                        GOOD + [deliver(81, "waiting", "success")], GOOD + [deliver(2, "plain", "fine")],
                        GOOD + [record(2, "ack")], GOOD + [record(2, "shrug", "plain")],
                        GOOD + [record(None, "kill")], GOOD + [record(float("nan"), "kill")], GOOD + [record(2, "fault", "plain", what="rain")]):
            with self.assertRaises(history.Malformed):
                check(records)
        with self.assertRaises(history.Malformed):
            history.check(["{"])


if __name__ == "__main__":
    unittest.main()
