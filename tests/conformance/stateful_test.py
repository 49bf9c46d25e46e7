#!/usr/bin/env python3
"""Random sequences of operations, on faasd and on the model: each reply, each refusal and all that can be seen
afterwards is the same. FAAS_STATEFUL_STEPS sets how many steps at least (default 300), FAAS_STATEFUL_SEED where the
random numbers begin (default 0)."""

import itertools
import os

import fixture
import operations
import service
from judge import Judge
from model import LATEST, function_arn, layer_arn
from packages import layer, marked
from wire import Wire

STEPS = int(os.environ.get("FAAS_STATEFUL_STEPS", "300"))
SEED = int(os.environ.get("FAAS_STATEFUL_SEED", "0"))
fixture.be_a_client()
try:
    from hypothesis import HealthCheck, seed, settings, strategies as st
    from hypothesis.stateful import (RuleBasedStateMachine, initialize, precondition, rule,
                                     run_state_machine_as_test)
except ImportError as missing:
    fixture.skip_all("stateful", f"{missing} (scripts/setup --tests)")

SERVICE = service.found()
STEPS_IN_A_ROW = 50
OURS = operations.ours()
BASE = {"Runtime": "provided", "Handler": "bootstrap", "Role": fixture.ROLE}
ANY = st.integers(0, 23)  # which of those there are
NAMES = ("one", "two")
ALIASES = ("live", "canary", "old")
MARKS = ("a", "b", "c", "d")

daemon = None
generations = itertools.count()


def needs(operation):
    return precondition(lambda self: operation in OURS)


def pick(choices, which):
    return choices[which % len(choices)]


def mostly(good, every, which):
    """One of the good ones more often than not."""
    return pick([*good, *good, *good, *every], which)


class Sequence(RuleBasedStateMachine):
    """Names are new in each sequence, for a number of a layer's version is never used twice."""
    steps = 0  # of all sequences

    def __init__(self):
        super().__init__()
        self.wire = Wire(daemon.url, SERVICE)
        self.judge = Judge(self.wire, self.wire)
        self.generation = next(generations)
        self.descriptions = itertools.count()

    def teardown(self):
        try:
            for name in sorted(self.judge.account.functions):
                self.do(name, "DeleteFunction", FunctionName=name)
            for name, number in sorted(self.judge.account.layers):
                self.do(None, "DeleteLayerVersion", LayerName=name, VersionNumber=number)
            self.judge.look_at_account()
        finally:
            self.wire.close()

    # ---- words of the rules

    def do(self, name, operation, **parameters):
        Sequence.steps += 1
        self.judge.step(operation, **parameters)
        if name:
            self.judge.look(name)
            self.judge.read("GetAccountSettings")

    def name(self, which):
        return f"{pick(NAMES, which)}-{self.generation}"

    def function(self, which):
        """One there is, if any; else a name that nobody has."""
        there = sorted(self.judge.account.functions)
        return pick(there, which) if there else self.name(which)

    def qualifiers(self, name):
        function = self.judge.account.functions.get(name)
        return [*function.versions, *function.aliases] if function else ["1"]

    def versions(self, name):
        function = self.judge.account.functions.get(name)
        return list(function.versions) if function else ["1"]

    def revision(self, subject, kind):
        """None, the current one, or one that is stale if there was one."""
        if kind == "none" or subject is None or subject.revision.value is None:
            return {}
        stale = subject.revision.older
        if kind == "stale" and (stale is None or stale.value is None):
            return {}
        return {"RevisionId": stale if kind == "stale" else subject.revision}

    def latest(self, name):
        function = self.judge.account.functions.get(name)
        return function.latest if function else None

    def new_mark(self, name, which):
        """Code that is not that of the last version there is: whether going back to it is a change is open."""
        numbers = [number for number in self.versions(name) if number.isdigit()]
        function = self.judge.account.functions.get(name)
        last = function.versions[max(numbers, key=int)].code if function and numbers else None
        return pick([mark for mark in MARKS if last != marked(mark)], which)

    # ---- functions

    @initialize(versions=st.integers(0, 3), live=st.integers(0, 3), canary=st.integers(0, 3))
    def prepare(self, versions, live, canary):
        """Most sequences begin with something to work on."""
        name = self.name(0)
        if versions:
            self.do(name, "CreateFunction", FunctionName=name, Code={"ZipFile": marked("a")}, **BASE)
        for mark in MARKS[:versions] if "PublishVersion" in OURS else ():
            self.do(name, "UpdateFunctionCode", FunctionName=name, ZipFile=marked(mark), Publish=True)
        if 0 < live <= versions and "CreateAlias" in OURS:
            routing = {"AdditionalVersionWeights": {str(canary): 0.5}} if 0 < canary <= versions and canary != live else {}
            self.do(name, "CreateAlias", FunctionName=name, Name="live", FunctionVersion=str(live), RoutingConfig=routing)

    @rule(which=ANY, mark=st.sampled_from(MARKS), timeout=st.sampled_from([None, 1, 900, 0, 901]),
          tags=st.booleans(), publish=st.booleans())
    def create(self, which, mark, timeout, tags, publish):
        optional = {"Timeout": timeout} if timeout is not None else {}
        if tags:
            optional["Tags"] = {"made": "with tags"}
        if publish and "PublishVersion" in OURS:
            optional["Publish"] = True
        name = self.name(which)
        self.do(name, "CreateFunction", FunctionName=name, Code={"ZipFile": marked(mark)}, **BASE, **optional)

    @rule(which=ANY, mark=ANY, publish=st.booleans(), dry=st.booleans(), kind=st.sampled_from(["none", "current", "stale"]))
    def update_code(self, which, mark, publish, dry, kind):
        name = self.function(which)
        optional = {"Publish": True} if publish and not dry and "PublishVersion" in OURS else {}
        self.do(name, "UpdateFunctionCode", FunctionName=name, ZipFile=marked(self.new_mark(name, mark)),
                **({"DryRun": True} if dry else {}), **optional, **self.revision(self.latest(name), kind))

    @rule(which=ANY, timeout=st.sampled_from([None, 2, 60, 0, 901]), memory=st.sampled_from([None, 128, 256, 127]),
          colour=st.sampled_from([None, "red", ""]), kind=st.sampled_from(["none", "current", "stale"]))
    def update_configuration(self, which, timeout, memory, colour, kind):
        if timeout in (0, 901) and memory == 127:
            memory = None  # one fault at most
        if timeout in (0, 901) or memory == 127:
            kind = "none"
        name = self.function(which)
        changes = {"Description": f"change {next(self.descriptions)}"}
        changes.update({"Timeout": timeout} if timeout is not None else {})
        changes.update({"MemorySize": memory} if memory is not None else {})
        if colour is not None:
            changes["Environment"] = {"Variables": {"COLOUR": colour} if colour else {}}
        if name not in self.judge.account.functions:
            changes = {"Description": "of nobody"}  # one fault at most
        self.do(name, "UpdateFunctionConfiguration", FunctionName=name, **changes,
                **self.revision(self.latest(name), kind))

    @rule(which=ANY, form=st.sampled_from(["name", "arn", "partial"]), qualifier=ANY)
    def invoke(self, which, form, qualifier):
        name = self.function(which)
        given = {"name": name, "arn": function_arn(name), "partial": f"000000000000:function:{name}"}[form]
        function = self.judge.account.functions.get(name)
        choices = [None, *self.qualifiers(name), "9999", "nobody"]
        chosen = mostly(function.aliases if function else (), choices, qualifier) if "PublishVersion" in OURS else None
        self.do(None, "Invoke", FunctionName=given, **({"Qualifier": chosen} if chosen else {}))

    @rule(which=ANY, seldom=st.integers(0, 5))
    def delete(self, which, seldom):
        if seldom:
            return
        name = self.function(which)
        self.do(name, "DeleteFunction", FunctionName=name)

    # ---- versions and aliases

    @needs("PublishVersion")
    @rule(which=ANY, sha=st.sampled_from(["none", "right", "wrong"]), kind=st.sampled_from(["none", "current", "stale"]),
          described=st.booleans())
    def publish(self, which, sha, kind, described):
        name = self.function(which)
        latest = self.latest(name)
        optional = {"Description": f"version {next(self.descriptions)}"} if described else {}
        if sha != "none" and latest:
            optional["CodeSha256"] = latest.sha256() if sha == "right" else "d" * 43 + "="
        if sha != "wrong":
            optional.update(self.revision(latest, kind))
        self.do(name, "PublishVersion", FunctionName=name, **optional)

    @needs("PublishVersion")
    @rule(which=ANY, version=ANY)
    def delete_version(self, which, version):
        name = self.function(which)
        self.do(name, "DeleteFunction", FunctionName=name, Qualifier=pick(self.versions(name), version))

    def routing(self, name, version, other, weight):
        """None, or a weight of another version; which versions go together is judged by the model."""
        if weight is None:
            return {}
        there = self.versions(name)
        good = [number for number in there if number not in (version, LATEST)]
        weights = {} if weight == "none" else {pick([*there, *good, *good], other): weight}
        return {"RoutingConfig": {"AdditionalVersionWeights": weights}}

    def one_fault(self, name, version, weights):
        """Whether a routing has one fault at most."""
        (other, weight), = weights.items() if weights else ((None, 0),)
        return (other == LATEST) + (other == version) + (weight > 1) + (bool(weights) and version == LATEST) <= 1

    @needs("CreateAlias")
    @rule(which=ANY, alias=st.sampled_from([*ALIASES, "12"]), version=ANY, other=ANY,
          weight=st.sampled_from([None, None, 0.0, 0.5, 1.0, 1.5]))
    def create_alias(self, which, alias, version, other, weight):
        name = self.function(which)
        version = pick([*self.versions(name), "9999"], version)
        routing = {} if version == "9999" or alias == "12" else self.routing(name, version, other, weight)
        function = self.judge.account.functions.get(name)
        if not function or alias in function.aliases or (
                routing and not self.one_fault(name, version, routing["RoutingConfig"]["AdditionalVersionWeights"])):
            routing, version = {}, LATEST
        alias = alias if function else ALIASES[0]
        self.do(name, "CreateAlias", FunctionName=name, Name=alias, FunctionVersion=version, **routing)

    @needs("UpdateAlias")
    @rule(which=ANY, alias=ANY, version=ANY, other=ANY, described=st.booleans(),
          weight=st.sampled_from([None, "none", 0.0, 0.5, 1.0, 1.5]), kind=st.sampled_from(["none", "current", "stale"]))
    def update_alias(self, which, alias, version, other, described, weight, kind):
        name = self.function(which)
        function = self.judge.account.functions.get(name)
        alias = mostly(function.aliases if function else (), ALIASES, alias)
        held = function.aliases.get(alias) if function else None
        changes = {"Description": f"alias {next(self.descriptions)}"} if described else {}
        if held and alias not in function.provisioned:
            changes["FunctionVersion"] = pick(self.versions(name), version)
            changes.update(self.routing(name, changes["FunctionVersion"], other, weight))
            weights = changes.get("RoutingConfig", {}).get("AdditionalVersionWeights", held.weights)
            if not self.one_fault(name, changes["FunctionVersion"], weights):
                changes = {"Description": "one fault at most"}
            elif self.faulty(changes["FunctionVersion"], weights):
                kind = "none"
        self.do(name, "UpdateAlias", FunctionName=name, Name=alias, **changes, **self.revision(held, kind))

    @staticmethod
    def faulty(version, weights):
        return bool(weights) and (version == LATEST or version in weights or LATEST in weights
                                  or max(weights.values()) > 1)

    @needs("DeleteAlias")
    @rule(which=ANY, alias=st.sampled_from(ALIASES), seldom=st.integers(0, 2))
    def delete_alias(self, which, alias, seldom):
        name = self.function(which)
        if not seldom and name in self.judge.account.functions:
            self.do(name, "DeleteAlias", FunctionName=name, Name=alias)

    # ---- what is kept beside a function

    @needs("TagResource")
    @rule(which=ANY, tags=st.dictionaries(st.sampled_from(["team", "cost", "Ünïcode"]), st.sampled_from(["", "a b"]),
                                          min_size=1))
    def tag(self, which, tags):
        name = self.function(which)
        self.do(name, "TagResource", Resource=function_arn(name), Tags=tags)

    @needs("UntagResource")
    @rule(which=ANY, keys=st.lists(st.sampled_from(["team", "cost", "made"]), min_size=1, max_size=2, unique=True))
    def untag(self, which, keys):
        name = self.function(which)
        self.do(name, "UntagResource", Resource=function_arn(name), TagKeys=keys)

    @needs("AddPermission")
    @rule(which=ANY, sid=st.sampled_from(["s", "t"]), qualifier=ANY, kind=st.sampled_from(["none", "current", "stale"]),
          principal=st.sampled_from(["s3.amazonaws.com", "123456789012", "*", "arn:aws:iam::123456789012:root"]),
          conditions=st.booleans())
    def add_permission(self, which, sid, qualifier, kind, principal, conditions):
        name = self.function(which)
        qualifier = pick([None, *(q for q in self.qualifiers(name) if q != LATEST)], qualifier)
        function = self.judge.account.functions.get(name)
        policy = function.policies.get(qualifier) if function else None
        optional = {"SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "123456789012"} if conditions else {}
        if qualifier:
            optional["Qualifier"] = qualifier
        if policy and sid not in policy.statements:
            optional.update(self.revision(policy, kind))
        self.do(name, "AddPermission", FunctionName=name, StatementId=sid, Action="lambda:InvokeFunction",
                Principal=principal, **optional)

    @needs("RemovePermission")
    @rule(which=ANY, sid=st.sampled_from(["s", "t"]), qualifier=ANY, kind=st.sampled_from(["none", "current", "stale"]))
    def remove_permission(self, which, sid, qualifier, kind):
        name = self.function(which)
        function = self.judge.account.functions.get(name)
        qualifier = mostly(function.policies if function else (),
                           [None, *(q for q in self.qualifiers(name) if q != LATEST)], qualifier)
        policy = function.policies.get(qualifier) if function else None
        revision = self.revision(policy, kind) if policy and sid in policy.statements else {}
        self.do(name, "RemovePermission", FunctionName=name, StatementId=sid,
                **({"Qualifier": qualifier} if qualifier else {}), **revision)

    @needs("PutFunctionConcurrency")
    @rule(which=ANY, count=st.sampled_from([0, 1, 3, 450, 500, 900, 901, -1]))
    def reserve(self, which, count):
        name = self.function(which)
        if name not in self.judge.account.functions:
            count = 1  # one fault at most
        self.do(name, "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=count)

    @needs("DeleteFunctionConcurrency")
    @rule(which=ANY)
    def reserve_nothing(self, which):
        name = self.function(which)
        self.do(name, "DeleteFunctionConcurrency", FunctionName=name)

    @needs("PutProvisionedConcurrencyConfig")
    @rule(which=ANY, qualifier=ANY, count=st.sampled_from([1, 1, 2, 0]))
    def provision(self, which, qualifier, count):
        name = self.function(which)
        function = self.judge.account.functions.get(name)
        taken = {function.version_of(each).number for each in function.provisioned} if function else set()
        again = [each for each in self.qualifiers(name) if taken and function.version_of(each).number in taken]
        qualifier = pick([*self.qualifiers(name), *again, *again, "9999"], qualifier)
        alias = function.aliases.get(qualifier) if function else None
        if alias and alias.weights:
            return
        if count == 0 and (not function or qualifier in ("9999", LATEST) or function.version_of(qualifier).number == LATEST):
            count = 1  # one fault at most
        self.do(name, "PutProvisionedConcurrencyConfig", FunctionName=name, Qualifier=qualifier,
                ProvisionedConcurrentExecutions=count)

    @needs("DeleteProvisionedConcurrencyConfig")
    @rule(which=ANY, qualifier=ANY)
    def provision_nothing(self, which, qualifier):
        name = self.function(which)
        function = self.judge.account.functions.get(name)
        there = [q for q in self.qualifiers(name) if not function or function.version_of(q).number != LATEST]
        if there:
            self.do(name, "DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier=pick(there, qualifier))

    @needs("PutFunctionEventInvokeConfig")
    @rule(which=ANY, qualifier=ANY, retries=st.sampled_from([None, 0, 2, 3]), age=st.sampled_from([None, 60, 21_600, 59]),
          destination=st.booleans(), merge=st.booleans())
    def configure_events(self, which, qualifier, retries, age, destination, merge):
        name = self.function(which)
        there = name in self.judge.account.functions
        given = {key: value for key, value in (("MaximumRetryAttempts", retries), ("MaximumEventAgeInSeconds", age))
                 if value is not None}
        other = [each for each in sorted(self.judge.account.functions) if each != name]
        if destination and other:
            given["DestinationConfig"] = {"OnFailure": {"Destination": function_arn(other[0])}}
        faults = (retries == 3) + (age == 59)
        set_already = self.judge.account.functions[name].events if there and merge else ()
        qualifier = mostly(set_already, [None, *self.qualifiers(name)], qualifier)
        chosen = {"Qualifier": qualifier} if qualifier else {}
        unset = there and merge and (qualifier or LATEST) not in self.judge.account.functions[name].events
        if faults + (not there or not given) + unset > 1 or (not there and not given):
            given = {"MaximumRetryAttempts": 1}
        operation = "UpdateFunctionEventInvokeConfig" if merge else "PutFunctionEventInvokeConfig"
        self.do(name, operation, FunctionName=name, **chosen, **given)

    @needs("DeleteFunctionEventInvokeConfig")
    @rule(which=ANY, qualifier=ANY)
    def configure_no_events(self, which, qualifier):
        name = self.function(which)
        function = self.judge.account.functions.get(name)
        qualifier = mostly(function.events if function else (), [None, *self.qualifiers(name)], qualifier)
        self.do(name, "DeleteFunctionEventInvokeConfig", FunctionName=name, **({"Qualifier": qualifier} if qualifier else {}))

    # ---- layers

    def layer(self, which):
        return f"layer-{pick(NAMES, which)}-{self.generation}"

    @needs("PublishLayerVersion")
    @rule(which=ANY, text=st.sampled_from(MARKS), runtimes=st.sampled_from([[], ["provided"]]))
    def publish_layer(self, which, text, runtimes):
        name = self.layer(which)
        self.do(None, "PublishLayerVersion", LayerName=name, Content={"ZipFile": layer(text)},
                **({"CompatibleRuntimes": runtimes} if runtimes else {}))
        self.judge.look_at_account()

    @needs("DeleteLayerVersion")
    @rule(which=ANY, number=st.integers(1, 3))
    def delete_layer(self, which, number):
        self.do(None, "DeleteLayerVersion", LayerName=self.layer(which), VersionNumber=number)
        self.judge.look_at_account()

    @needs("PublishLayerVersion")
    @rule(which=ANY, chosen=st.lists(st.tuples(ANY, st.integers(1, 3)), max_size=2, unique_by=lambda pair: pair[0] % 2))
    def use_layers(self, which, chosen):
        name = self.function(which)
        arns = [layer_arn(self.layer(of), number) for of, number in chosen]
        missing = any((self.layer(of), number) not in self.judge.account.layers for of, number in chosen)
        if name not in self.judge.account.functions and missing:
            return
        self.do(name, "UpdateFunctionConfiguration", FunctionName=name, Layers=arns,
                Description=f"change {next(self.descriptions)}")


class Sequences(fixture.Case):
    def test_any_sequence_of_operations_is_answered_as_the_model_says(self):
        global daemon
        daemon = self.daemon
        # Hypothesis begins with short sequences; the others have STEPS_IN_A_ROW steps.
        for run in itertools.count():
            if Sequence.steps >= STEPS:
                break
            seed(SEED + run)(Sequence)
            run_state_machine_as_test(Sequence, settings=settings(
                max_examples=min(100, 10 + STEPS // 10), stateful_step_count=STEPS_IN_A_ROW, deadline=None, database=None, report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck)))
        print(f"{Sequence.steps} steps in {next(generations)} sequences from seed {SEED}")


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("stateful", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("stateful")
