"""One step after the other, on faasd through some client and on the model: both must say the same."""

import json
import time

import model
import operations
from model import LATEST
from packages import mark_of
from wire import Refusal

# After these the state of a function is on its way for a moment.
CHANGES = {"CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"}
# These change how many instances of a version are kept.
PROVISIONING = {"PutProvisionedConcurrencyConfig", "UpdateAlias", "CreateAlias"}
SETTLES_WITHIN = 30


def for_client(parameters):
    """What a client sends: a revision is its id."""
    return {key: value.value or "00000000-0000-4000-8000-000000000000" if isinstance(value, model.Revision) else value
            for key, value in parameters.items()}


class Judge:
    def __init__(self, client, wire):
        self.client, self.wire = client, wire
        self.account, self.done, self.steps, self.has = model.Account(), set(), [], operations.ours()

    def step(self, operation, **parameters):
        """Does it on both sides. Returns what the client was told, None for a refusal that the model foretold.
        What a client does not know is sent raw; what the description here does not know (Debian's) is not done."""
        if not self.wire.knows(operation):
            return None
        self.steps.append(f"{operation} {shown(parameters)}")
        try:
            expected, refused = self.account.perform(operation, **parameters), None
        except model.Refused as refusal:
            expected, refused = None, refusal
        sent = for_client(parameters)
        if operation == "Invoke":
            sent.setdefault("Payload", b"{}")
        try:
            got = (self.client if self.client.knows(operation) else self.wire).call(operation, sent)
        except Refusal as refusal:
            self.compare_refusal(refused, refusal)
            return None
        if refused:
            self.fail(f"it was done; expected {refused.name} ({refused.status}): {refused.message}")
        self.compare(operation, expected, got, self.client.dropped)
        if operation == "Invoke":
            self.compare_code(self.account.functions[self.account.split(parameters["FunctionName"])[0]], got)
        if self.client.knows(operation):
            self.done.add(operation)
        self.settle(operation, parameters)
        return got

    def missed(self):
        """The operations of faasd that did not come by, of those the client knows."""
        return {operation for operation in self.has - self.done if self.client.knows(operation)}

    def compare(self, operation, expected, got, dropped=()):
        if found := model.differences(expected, got, operation, dropped):
            self.fail("\n".join(found))

    def compare_code(self, function, got):
        """The code of the version that the reply names is what ran."""
        if "FunctionError" in got:
            self.fail(f"Invoke: {got}")
        version = got["ExecutedVersion"]
        self.compare("Invoke", {"mark": mark_of(function.versions[version].code), "version": version},
                     json.loads(got["Payload"]))

    def compare_refusal(self, expected, got):
        if expected is None:
            self.fail(f"{got}; expected no refusal")
        if expected.name != got.name or got.status not in (expected.status, None):  # not every client tells it
            self.fail(f"{got}; expected {expected.name} ({expected.status}): {expected.message}")
        if not got.message or (expected.message and expected.message != got.message):
            self.fail(f"{got.name}: message {got.message!r}; expected {expected.message!r}")
        if expected.reason and got.reason not in (None, expected.reason):
            self.fail(f"{got.name}: Reason {got.reason!r}; expected {expected.reason!r}")

    def fail(self, what):
        raise AssertionError("\n".join([*self.steps[-40:], what]))

    # ---- waiting for what is on its way

    def settle(self, operation, parameters):
        function = self.account.functions.get(self.account.split(parameters.get("FunctionName", "-"))[0])
        if not function:
            return
        if operation in CHANGES:
            for qualifier in (LATEST, str(function.last_number)):
                if qualifier in function.versions:
                    self.until("GetFunctionConfiguration", {"FunctionName": function.name, "Qualifier": qualifier},
                               lambda told: told.get("State") != "Pending"
                               and told.get("LastUpdateStatus") != "InProgress")
            self.look_at_revisions(function)
        if operation in PROVISIONING:
            for qualifier in function.provisioned:
                self.until("GetProvisionedConcurrencyConfig", {"FunctionName": function.name, "Qualifier": qualifier},
                           lambda told: told["Status"] != "IN_PROGRESS")

    def until(self, operation, parameters, settled):
        """The reply once it has settled; it is read raw, as a client's waiter has another pace."""
        deadline = time.monotonic() + SETTLES_WITHIN
        while not settled(told := self.wire.call(operation, parameters)):
            if time.monotonic() > deadline:
                self.fail(f"{operation}: still {told} after {SETTLES_WITHIN} s")
            time.sleep(0.01)
        return told

    # ---- the whole of what can be seen

    def read(self, operation, **parameters):
        """A reading operation, over the wire; one that faasd does not have tells nothing."""
        if operation not in self.has or not self.wire.knows(operation):
            return
        expected, refused = None, None
        try:
            expected = self.account.perform(operation, **parameters)
        except model.Refused as refusal:
            refused = refusal
        try:
            got = self.wire.call(operation, parameters)
        except Refusal as refusal:
            self.compare_refusal(refused, refusal)
            return
        if refused:
            self.fail(f"{operation} {parameters}: {got}; expected {refused.name}")
        self.compare(f"{operation} {shown(parameters)}", expected, got)

    def look_at_revisions(self, function):
        self.read("GetFunctionConfiguration", FunctionName=function.name)

    def look(self, name):
        """Everything there is to see of a function."""
        function = self.account.functions.get(name)
        self.read("GetFunction", FunctionName=name)
        self.read("GetPolicy", FunctionName=name)
        if not function:
            return
        self.read("ListVersionsByFunction", FunctionName=name)
        self.read("ListAliases", FunctionName=name)
        self.read("ListTags", Resource=model.function_arn(name))
        self.read("GetFunctionConcurrency", FunctionName=name)
        self.read("ListFunctionEventInvokeConfigs", FunctionName=name)
        self.read("ListProvisionedConcurrencyConfigs", FunctionName=name)
        for qualifier in (*function.versions, *function.aliases):
            self.read("GetFunctionConfiguration", FunctionName=name, Qualifier=qualifier)
            if qualifier != LATEST:
                self.read("GetPolicy", FunctionName=name, Qualifier=qualifier)

    def look_at_account(self):
        self.read("GetAccountSettings")
        self.read("ListFunctions")
        self.read("ListLayers")
        for name in sorted({of for of, _ in self.account.layers}):
            self.read("ListLayerVersions", LayerName=name)


def shown(parameters):
    """Parameters in a line, packages by what they say of themselves."""
    def short(value):
        if isinstance(value, dict):
            return {key: short(inner) for key, inner in value.items()}
        return mark_of(value) if isinstance(value, bytes) else value

    return ", ".join(f"{key}={short(value)}" for key, value in parameters.items() if key != "Role")
