#!/usr/bin/env python3
"""history.py FILE: whether what was seen of a daemon from outside is what its queue promises.

A history is lines of JSON in any order, each {"at": seconds, "kind": ...} by one monotonic clock:
  policy        attempts (the first and its retries), age (seconds); once. slack: seconds by which a delivery may be
                seen later than it was decided, 0 unless given. dead_letters: false where failed events have no
                destination, so that having been delivered is an end.
  invoke        id, sha256 of the payload; before it is sent, once an id.
  ack, deny     id; deny with its status. An invoke with neither had no reply: all may have become of it.
  sync          ids that an fsync covered, when it returned. With one such line, every ack must have been covered.
  deliver       id, attempt from 1, sha256, outcome (see OUTCOMES); at is the time the function was given it.
  fault         id, what (see FAULTS): what befell a call after its function had said how it ended.
  dead-letter   id, condition.
  result        id, outcome that a caller or a destination was told.
  pending       id that was still queued when the observing ended.
  reserved      value of the reserved concurrency from now on.
  start, kill   of the daemon.

Every rule is about what is certain: an event was accepted somewhere between its invoke and its ack, and a bound is
broken only if it is for all of these moments."""

import bisect
import collections
import json
import math
import sys

FIELDS = {"policy": ("attempts", "age"), "invoke": ("id", "sha256"), "ack": ("id",), "deny": ("id", "status"),
          "sync": ("ids",), "deliver": ("id", "attempt", "sha256", "outcome"), "fault": ("id", "what"),
          "dead-letter": ("id", "condition"), "result": ("id", "outcome"), "pending": ("id",),
          "reserved": ("value",), "start": (), "kill": ()}
OUTCOMES = {"success", "error", "timeout", "crash",
            "lost",      # the function ended, and its response did not reach the daemon
            "unknown"}   # the daemon was gone before the function ended
FAULTS = {"timeout", "crash", "lost"}
ONCE = ("invoke", "ack", "deny", "pending")
POISONED_AFTER = 3       # deaths of the daemon

Violation = collections.namedtuple("Violation", "rule id sentence")
Verdict = collections.namedtuple("Verdict", "violations summary")


class Malformed(ValueError):
    """The history says nothing, or contradicts its own form: a fault of the observer's."""


class Event:
    """All that was seen of one id, in order of time."""

    def __init__(self, name):
        self.id = name
        self.seen = collections.defaultdict(list)

    def one(self, kind):
        return next(iter(self.seen.get(kind, ())), None)

    def all(self, kind):
        return self.seen.get(kind, [])

    @property
    def deliveries(self):
        """Those before its dead letter; what comes after it is a matter of one rule alone."""
        dead = self.one("dead-letter")
        return [each for each in self.all("deliver") if not dead or each["at"] <= dead["at"]]

    @property
    def accepted_by(self):
        """The latest moment at which it can have been accepted."""
        return min(each["at"] for each in self.all("ack") + self.all("deliver")[:1])


class History:
    def __init__(self, lines):
        self.events = {}
        self.kills = []
        self.synced = {}
        self.has_syncs = False
        self.zero_since = None
        self.policy = None
        for record in sorted(records(lines), key=lambda each: each["at"]):
            self.add(record)
        if self.policy is None:
            raise Malformed("no policy")
        for event in self.events.values():
            well_formed(event)

    def add(self, record):
        kind, at = record["kind"], record["at"]
        if kind == "policy":
            if self.policy is not None:
                raise Malformed("a second policy")
            self.policy = {"slack": 0, "dead_letters": True, **record}
        elif kind == "kill":
            self.kills.append(at)
        elif kind == "sync":
            self.has_syncs = True
            for name in record["ids"]:
                self.synced.setdefault(name, at)
        elif kind == "reserved":
            if record["value"] == 0 and self.zero_since is None:
                self.zero_since = at
        elif kind != "start":
            self.events.setdefault(record["id"], Event(record["id"])).seen[kind].append(record)

    def kills_between(self, first, last):
        return bisect.bisect_right(self.kills, last) - bisect.bisect_left(self.kills, first)

    def excused(self, event, first, last, faults=frozenset(FAULTS)):
        """Whether something befell the event from first to last for which it may be delivered again."""
        return (self.kills_between(first, last) > 0
                or any(each["what"] in faults and first <= each["at"] <= last for each in event.all("fault")))

    def attempts_used(self, event):
        """Deliveries that cannot but have cost an attempt: the daemon's death and a lost response cost none."""
        calls = event.deliveries
        return sum(1 for call, then in zip(calls, calls[1:] + [None])
                   if call["outcome"] not in ("lost", "unknown")
                   and not (then and self.excused(event, call["at"], then["at"], {"lost"})))


def records(lines):
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            missing = [name for name in ("at", *FIELDS[record["kind"]]) if name not in record]
            if missing:
                raise Malformed(f"line {number}: no {missing[0]}")
            if not math.isfinite(record["at"]):
                raise Malformed(f"line {number}: at {record['at']}")
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise Malformed(f"line {number}: {error!r}") from error
        if record["kind"] in ("deliver", "result") and record["outcome"] not in OUTCOMES:
            raise Malformed(f"line {number}: outcome {record['outcome']}")
        if record["kind"] == "fault" and record["what"] not in FAULTS:
            raise Malformed(f"line {number}: fault {record['what']}")
        yield record


def well_formed(event):
    for kind in ONCE:
        if len(event.all(kind)) > 1:
            raise Malformed(f"{event.id}: more than one {kind}")
    if event.one("ack") and event.one("deny"):
        raise Malformed(f"{event.id}: acknowledged and denied")
    pending = event.one("pending")
    if pending and any(each["at"] > pending["at"] for each in event.all("deliver") + event.all("dead-letter")):
        raise Malformed(f"{event.id}: pending, but the observing went on")


# ---- the rules: each yields a sentence for each way in which an event breaks it

def lost(history, event):
    calls = event.all("deliver")
    ended = any(call["outcome"] == "success" for call in calls) or (calls and not history.policy["dead_letters"])
    if event.one("ack") and not (ended or event.one("dead-letter") or event.one("pending")):
        yield ("acknowledged, and neither " + ("delivered with success" if calls else "delivered")
               + " nor dead-lettered nor pending")


def denied(_, event):
    deny = event.one("deny")
    if deny and (400 <= deny["status"] < 500 or deny["status"] == 503):
        for kind, word in (("deliver", "delivered"), ("dead-letter", "dead-lettered"), ("pending", "pending")):
            if event.one(kind):
                yield f"denied with {deny['status']}, and {word}"


def altered(_, event):
    for call in event.all("deliver"):
        if call["sha256"] != event.one("invoke")["sha256"]:
            yield f"attempt {call['attempt']} was delivered a payload of {call['sha256']}, another one than was sent"


def attempts(history, event):
    allowed = history.policy["attempts"]
    told = max((call["attempt"] for call in event.deliveries), default=0)
    used = history.attempts_used(event)
    if max(told, used) > allowed:
        yield f"{max(told, used)} attempts, {allowed} allowed"


def late(history, event):
    for call in event.deliveries:
        age = call["at"] - event.accepted_by
        if age > history.policy["age"] + history.policy["slack"]:
            yield f"delivered at an age of {age:.3f} s, over {history.policy['age']} s"


def twice(history, event):
    calls = event.deliveries
    for call, then in zip(calls, calls[1:]):
        if call["outcome"] == "success" and not history.excused(event, call["at"], then["at"]):
            yield f"delivered with success at {call['at']}, and again at {then['at']} with nothing in between"


def risen(_, event):
    dead = event.one("dead-letter")
    for then in event.all("deliver") + event.all("result"):
        if dead and then["outcome"] == "success" and then["at"] > dead["at"]:
            yield f"dead-lettered at {dead['at']}, and a success at {then['at']}"


def early(history, event):
    ack, covered = event.one("ack"), history.synced.get(event.id)
    if history.has_syncs and ack and (covered is None or ack["at"] < covered):
        yield f"acknowledged at {ack['at']}, " + (f"synced at {covered}" if covered is not None else "never synced")


def untrue(history, event):
    dead, invoked = event.one("dead-letter"), event.one("invoke")["at"]
    if not dead:
        return
    calls, condition, why = event.deliveries, dead["condition"], None
    if calls and calls[-1]["outcome"] == "success" and not history.excused(event, calls[-1]["at"], dead["at"]):
        why = f"after a success at {calls[-1]['at']}"
    elif condition == "RetriesExhausted":
        if len(calls) < history.policy["attempts"]:
            why = f"after {len(calls)} of {history.policy['attempts']} attempts"
    elif condition == "EventAgeExceeded":
        if dead["at"] - invoked < history.policy["age"]:
            why = f"at an age of {dead['at'] - invoked:.3f} s, under {history.policy['age']} s"
    elif condition == "Poisoned":
        deaths = history.kills_between(invoked, dead["at"])
        if deaths < POISONED_AFTER:
            why = f"after {deaths} deaths of the daemon"
    elif condition == "ZeroReservedConcurrency":
        if history.zero_since is None or history.zero_since > dead["at"]:
            why = "and the reserved concurrency was not zero"
    else:
        why = "which is no condition"
    if why:
        yield f"dead-lettered for {condition}, {why}"


def buried_twice(_, event):
    count = len(event.all("dead-letter"))
    if count > 1:
        yield f"{count} dead letters"


def invented(_, event):
    told = any(each["outcome"] == "success" for each in event.all("result"))
    if told and not any(call["outcome"] in ("success", "lost", "unknown") for call in event.all("deliver")):
        yield "the result was a success, and no delivery was"


def uninvoked(_, event):
    """The other rules are only for events that this one has nothing to say of."""
    invoke = event.one("invoke")
    for kind, word in (("deliver", "delivered"), ("dead-letter", "dead-lettered"), ("ack", "acknowledged"),
                       ("pending", "pending"), ("result", "told the result")):
        first = event.one(kind)
        if first and not (invoke and invoke["at"] <= first["at"]):
            yield f"{word}, and " + ("not invoked until later" if invoke else "never invoked")


RULES = (lost, denied, altered, attempts, late, twice, risen, early, untrue, buried_twice, invented)


def check(lines):
    """A Verdict on a history; Malformed if it is none."""
    history = History(lines)
    found = []
    for event in history.events.values():
        of_event = [Violation("uninvoked", event.id, each) for each in uninvoked(history, event)]
        if not of_event and event.one("invoke"):
            of_event = [Violation(rule.__name__, event.id, each) for rule in RULES for each in rule(history, event)]
        found += of_event
    events = history.events.values()
    return Verdict(found, {
        "accepted": sum(1 for each in events if each.one("ack")),
        "delivered": sum(1 for each in events if each.one("deliver")),
        "dead-lettered": sum(1 for each in events if each.one("dead-letter")),
        "pending": sum(1 for each in events if each.one("pending")),
        "lost": sum(1 for each in found if each.rule == "lost"),
        "kills": len(history.kills)})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        verdict = check(file)
    for each in verdict.violations:
        print(f"{each.id}: {each.sentence}")
    print(" / ".join(f"{count} {word}" for word, count in verdict.summary.items()))
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
