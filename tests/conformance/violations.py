"""Every constraint of the service's description, broken once: requests that are right but for one member."""

import copy
import dataclasses
import re

import fixture
from model import function_arn, layer_arn
from packages import layer, marked

FUNCTION = {"FunctionName": "f"}
ALIASED = {**FUNCTION, "Qualifier": "live"}
LAYER = {"LayerName": "l", "VersionNumber": 1}
RESOURCE = {"Resource": function_arn("f")}
# A request of each operation that is right, with the function f, its alias live of version 1, and the layer l.
RIGHT = {
    "AddPermission": {**FUNCTION, "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"},
    "CreateAlias": {**FUNCTION, "Name": "other", "FunctionVersion": "1"},
    "CreateFunction": {"FunctionName": "new", "Code": {"ZipFile": marked("new")}, "Runtime": "provided",
                       "Handler": "bootstrap", "Role": fixture.ROLE},
    "DeleteAlias": {**FUNCTION, "Name": "other"},
    "DeleteFunction": {"FunctionName": "new"},
    "DeleteFunctionConcurrency": FUNCTION,
    "DeleteFunctionEventInvokeConfig": ALIASED,
    "DeleteLayerVersion": LAYER,
    "DeleteProvisionedConcurrencyConfig": ALIASED,
    "GetAccountSettings": {},
    "GetAlias": {**FUNCTION, "Name": "live"},
    "GetFunction": ALIASED,
    "GetFunctionCodeSigningConfig": FUNCTION,
    "GetFunctionConcurrency": FUNCTION,
    "GetFunctionConfiguration": ALIASED,
    "GetFunctionEventInvokeConfig": ALIASED,
    "GetFunctionRecursionConfig": FUNCTION,
    "GetLayerVersion": LAYER,
    "GetLayerVersionByArn": {"Arn": layer_arn("l", 1)},
    "GetPolicy": ALIASED,
    "GetProvisionedConcurrencyConfig": ALIASED,
    "GetRuntimeManagementConfig": ALIASED,
    "Invoke": {**FUNCTION, "Payload": b"{}"},
    "ListAliases": FUNCTION,
    "ListFunctionEventInvokeConfigs": FUNCTION,
    "ListFunctions": {},
    "ListLayerVersions": {"LayerName": "l"},
    "ListLayers": {},
    "ListProvisionedConcurrencyConfigs": FUNCTION,
    "ListTags": RESOURCE,
    "ListVersionsByFunction": FUNCTION,
    "PublishLayerVersion": {"LayerName": "l", "Content": {"ZipFile": layer("new")}},
    "PublishVersion": FUNCTION,
    "PutFunctionConcurrency": {**FUNCTION, "ReservedConcurrentExecutions": 1},
    "PutFunctionEventInvokeConfig": {**FUNCTION, "MaximumRetryAttempts": 1},
    "PutFunctionRecursionConfig": {**FUNCTION, "RecursiveLoop": "Allow"},
    "PutProvisionedConcurrencyConfig": {**ALIASED, "ProvisionedConcurrentExecutions": 1},
    "PutRuntimeManagementConfig": {**FUNCTION, "UpdateRuntimeOn": "Auto"},
    "RemovePermission": {**FUNCTION, "StatementId": "s"},
    "TagResource": {**RESOURCE, "Tags": {"k": "v"}},
    "UntagResource": {**RESOURCE, "TagKeys": ["k"]},
    "UpdateAlias": {**FUNCTION, "Name": "live"},
    "UpdateFunctionCode": {**FUNCTION, "ZipFile": marked("new")},
    "UpdateFunctionConfiguration": {**FUNCTION, "Description": "new"},
    "UpdateFunctionEventInvokeConfig": {**FUNCTION, "MaximumRetryAttempts": 1},
}


@dataclasses.dataclass(frozen=True)
class Violation:
    operation: str
    parameters: dict
    member: str       # as messages name it: maximumRetryAttempts, ephemeralStorage.size
    must: str         # what the message says after "Member must "
    inside: bool      # of an item of a list or a map: the message may say it of the whole

    def __str__(self):
        return f"{self.operation} {self.member}: {self.must}"


def lower_first(name):
    return name[:1].lower() + name[1:]


def sample(service, shape):
    """A value that is right for a shape, if one is easily found."""
    kind = shape.get("type")
    if kind == "structure":
        return {name: sample(service, service.shape(shape["members"][name])) for name in shape.get("required", ())}
    if kind == "list":
        return [sample(service, service.shape(shape["member"]))] * max(1, shape.get("min", 1))
    if kind == "map":
        return {}
    if kind == "string":
        if "enum" in shape:
            return shape["enum"][0]
        return next((text for text in ("a" * max(1, shape.get("min", 1)), "1", function_arn("f"), layer_arn("l", 1),
                                       "arn:aws:kms:us-east-1:000000000000:key/k", fixture.ROLE, "/mnt/a",
                                       "lambda:InvokeFunction", "o-0123456789", "123456789012",
                                       "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c")
                     if fits(shape, text)), "a")
    return {"boolean": True, "blob": b"x", "double": 0.5}.get(kind, shape.get("min", 1))


def fits(shape, text):
    return (shape.get("min", 0) <= len(text) <= shape.get("max", len(text))
            and re.fullmatch(shape.get("pattern", ".*"), text, re.S) is not None)


def broken(service, shape, never_empty):
    """(value, what a member must) for each constraint of the shape itself."""
    kind = shape.get("type")
    low, high = shape.get("min"), shape.get("max")
    if kind in ("integer", "long", "double"):
        if low is not None:
            yield low - 1, f"have value greater than or equal to {plain(low)}"
        if high is not None:
            yield high + 1, f"have value less than or equal to {plain(high)}"
    elif kind == "string":
        if "enum" in shape:
            yield "nothing of that kind", "satisfy enum value set: ["
        if low and not never_empty:
            yield "", f"have length greater than or equal to {low}"
        if high is not None and high <= 10_000:
            yield "a" * (high + 1), f"have length less than or equal to {high}"
        if "pattern" in shape:
            for text in ("no!", "no such thing!", "§" * max(1, low or 1)):
                if not re.fullmatch(shape["pattern"], text) and (low or 0) <= len(text) <= (high or len(text)):
                    yield text, "satisfy regular expression pattern: "
                    break
    elif kind == "list":
        item = sample(service, service.shape(shape["member"]))
        if low:
            yield [], f"have length greater than or equal to {low}"
        if high is not None and high <= 100:
            yield [item] * (high + 1), f"have length less than or equal to {high}"


def plain(number):
    return int(number) if float(number).is_integer() else number


def inside(service, shape):
    """(value, members below, the inner shape's own violation, whether it is in a list or a map)."""
    kind = shape.get("type")
    if kind == "structure":
        for name, member in shape["members"].items():
            inner = service.shape(member)
            rest = {each: sample(service, service.shape(shape["members"][each])) for each in shape.get("required", ())}
            for value, path, must, many in violated(service, inner, False):
                yield {**rest, name: value}, "." + lower_first(name) + path, must, many
        for name in shape.get("required", ()):
            rest = {each: sample(service, service.shape(shape["members"][each])) for each in shape["required"]}
            del rest[name]
            yield rest, "." + lower_first(name), "not be null", False
    elif kind == "list":
        for value, _, must, _ in violated(service, service.shape(shape["member"]), False):
            yield [value], "", must, True
    elif kind == "map":
        value = sample(service, service.shape(shape["value"]))
        for key, _, must, _ in violated(service, service.shape(shape["key"]), False):
            yield {key: value}, "", must, True
        for inner, _, must, _ in violated(service, service.shape(shape["value"]), False):
            yield {"1": inner}, "", must, True


def violated(service, shape, never_empty):
    for value, must in broken(service, shape, never_empty):
        yield value, "", must, False
    yield from inside(service, shape)


def every(service, operations):
    for operation in sorted(operations):
        right, shape = RIGHT[operation], service.input(operation)
        for name, member in shape["members"].items():
            if name == shape.get("payload"):
                continue
            in_path = member.get("location") == "uri"
            never_empty = in_path or member.get("location") == "header"
            for value, path, must, many in violated(service, service.shape(member), never_empty):
                parameters = {**copy.copy(right), name: value}
                yield Violation(operation, parameters, lower_first(name) + path, must, many)
            if name in shape.get("required", ()) and not in_path:
                rest = {key: value for key, value in right.items() if key != name}
                yield Violation(operation, rest, lower_first(name), "not be null", False)
