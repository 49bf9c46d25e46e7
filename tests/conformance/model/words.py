"""The vocabulary of the model: refusals in Lambda's words, and what a reply is compared with."""

import dataclasses
import json

REGION, ACCOUNT = "us-east-1", "000000000000"
LATEST = "$LATEST"
CONCURRENCY, MIN_UNRESERVED = 1000, 100
MAX_TAGS, MAX_LAYERS, MAX_POLICY_BYTES = 50, 5, 20_480

STATUS = {
    "InvalidParameterValueException": 400, "ValidationException": 400, "PolicyLengthExceededException": 400,
    "ResourceNotFoundException": 404, "ProvisionedConcurrencyConfigNotFoundException": 404,
    "ResourceConflictException": 409, "PreconditionFailedException": 412, "TooManyRequestsException": 429,
}
STALE = ("The Revision Id provided does not match the latest Revision Id. "
         "Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
NO_EVENT_SETTING = "You must specify at least one of error handling or destination setting."
NO_PROVISIONED = "No Provisioned Concurrency Config found for this function"
TWO_QUALIFIERS = "The derived qualifier from the function name does not match the specified qualifier."
TOO_FEW_UNRESERVED = ("Specified ReservedConcurrentExecutions for function decreases account's "
                      f"UnreservedConcurrentExecution below its minimum value of [{MIN_UNRESERVED}].")
LATEST_STAYS = "$LATEST version cannot be deleted without deleting the function."


class Refused(Exception):
    """The exception that a client sees. A message of None may be any text that is not empty."""

    def __init__(self, name, message=None, reason=None):
        super().__init__(name, message)
        self.name, self.status, self.message, self.reason = name, STATUS[name], message, reason


class Marker:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name

    def __deepcopy__(self, _):
        return self


OPEN, ABSENT = Marker("OPEN"), Marker("ABSENT")


@dataclasses.dataclass(frozen=True)
class OneOf:
    values: tuple


@dataclasses.dataclass(frozen=True)
class AnyOrder:
    """A list whose order the description leaves open; its items differ in the member key."""
    items: list
    key: str


@dataclasses.dataclass(frozen=True)
class JsonText:
    """A string that holds JSON: what it means counts, not how it is spaced."""
    value: object


class Revision:
    """A RevisionId: unknown until a reply told it; different from the one before it where a change is certain.
    older: one that was current once and is not any more."""

    def __init__(self, before=None, older=None):
        self.before, self.older, self.value = before, before or older, None

    def learn(self, value):
        """Whether the reply's id can be this one."""
        if self.value is None and not (self.before and self.before.value == value):
            self.value = value
        return self.value == value

    def is_stale(self, given):
        return given is not self and (given.value is None or given.value != self.value)

    def __repr__(self):
        return f"Revision({self.value})"

    def __deepcopy__(self, _):
        return self


def differences(expected, got, place="", dropped=()):
    """Where a reply is not what was expected; members that are not expected are somebody else's to judge. dropped:
    members that the client does not know and keeps to itself."""
    if isinstance(expected, Revision):
        return [] if expected.learn(got) else [f"{place}: {got}, expected {expected.value or 'another'}"]
    if isinstance(expected, OneOf):
        return [] if got in expected.values else [f"{place}: {got!r}, expected one of {expected.values}"]
    if isinstance(expected, AnyOrder):
        by_key = [sorted(items, key=lambda item: item[expected.key]) for items in (expected.items, got)]
        return differences(*by_key, place, dropped)
    if isinstance(expected, JsonText):
        return differences(expected.value, json.loads(got), f"{place}, parsed", dropped)
    if expected is OPEN:
        return []
    if isinstance(expected, dict) and isinstance(got, dict):
        found = []
        for key, value in expected.items():
            if value is ABSENT:
                found += [f"{place}.{key}: {got[key]!r}, expected none"] if key in got else []
            elif key not in got:
                found += [] if key in dropped else [f"{place}.{key}: missing, expected {value!r}"]
            else:
                found += differences(value, got[key], f"{place}.{key}", dropped)
        return found
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [line for index, pair in enumerate(zip(expected, got))
                for line in differences(*pair, f"{place}[{index}]", dropped)]
    return [] if expected == got else [f"{place}: {got!r}, expected {expected!r}"]


def function_arn(name, qualifier=None):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" + (f":{qualifier}" if qualifier else "")


def layer_arn(name, version=None):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}" + (f":{version}" if version else "")


def violated(value, member, constraint):
    """A member that breaks a constraint of the service model, in Lambda's words."""
    return Refused("ValidationException", f"1 validation error detected: Value '{value}' at '{member}' failed to "
                                          f"satisfy constraint: Member must {constraint}")


def check_range(member, value, low, high):
    if value is not None and value < low:
        raise violated(value, member, f"have value greater than or equal to {low}")
    if value is not None and value > high:
        raise violated(value, member, f"have value less than or equal to {high}")


def not_found(name, qualifier=None):
    return Refused("ResourceNotFoundException", f"Function not found: {function_arn(name, qualifier)}")


def invalid(message=None):
    return Refused("InvalidParameterValueException", message)


def check_revision(revision, given, words=STALE):
    if given is not None and revision.is_stale(given):
        raise Refused("PreconditionFailedException", words)
