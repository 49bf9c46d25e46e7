"""Whether a reply, as it came over the wire, is one of Lambda's: status, headers, members, types, ranges, errors."""

import base64
import binascii
import json
import re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Of the shape Timestamp, which is text: with milliseconds, but for provisioned concurrency.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
MOMENT_OF_PROVISIONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+0000")

# Errors that every operation may answer and none of them lists, with status and whether the body says who is at fault.
COMMON = {
    "ValidationException": (400, False), "SerializationException": (400, False),
    "UnknownOperationException": (404, True), "RequestEntityTooLargeException": (413, True),
    "UnsupportedMediaTypeException": (415, True), "AccessDeniedException": (403, True),
    "InvalidSignatureException": (403, False), "UnrecognizedClientException": (403, False),
    "MissingAuthenticationTokenException": (403, False), "ServiceException": (500, True),
    "TooManyRequestsException": (429, True),
}
# What the service answers where its description names no status, or another one than it answers.
STATUS = {"DeleteFunction": {204}, "Invoke": {200, 202, 204}, "InvokeAsync": {202}}
# What Debian's description does not know yet.
NEWER_MEMBERS = {"LoggingConfig", "RuntimeVersionConfig", "ConfigSha256"}
NEWER_ENUMS = {"Runtime": r"(python|nodejs|provided\.al|java|ruby|dotnet)[0-9.a-z]+",
               "StateReasonCode": r"FunctionError\.\w+", "LastUpdateStatusReasonCode": r"FunctionError\.\w+"}


class Oracle:
    def __init__(self, service):
        self.service = service

    def complaints(self, operation, status, headers, body):
        """What is wrong with a reply; headers is a mapping that ignores case."""
        found = [] if UUID.fullmatch(headers.get("x-amzn-RequestId", "")) else ["no x-amzn-RequestId"]
        if status >= 300:
            return found + self.of_error(operation, status, headers, body)
        return found + self.of_result(operation, status, headers, body)

    # ---- results

    def of_result(self, operation, status, headers, body):
        described = self.service.operations[operation]
        allowed = STATUS.get(operation, {described["http"].get("responseCode", 200)})
        found = [] if status in allowed else [f"status {status}, expected {sorted(allowed)}"]
        if "x-amzn-ErrorType" in headers:
            found.append("x-amzn-ErrorType on a result")
        shape = self.service.shape(described["output"]) if "output" in described else {"members": {}}
        found += self.of_headers(shape, headers)
        if operation == "Invoke":
            return found + self.of_call(status, headers, body)
        if status == 204 or not any("location" not in member for member in shape["members"].values()):
            return found + ([f"{len(body)} bytes of body, expected none"] if body else [])
        return found + self.of_body(operation, shape, headers, body)

    def of_body(self, operation, shape, headers, body):
        if headers.get("Content-Type", "").partition(";")[0] != "application/json":
            return [f"Content-Type {headers.get('Content-Type')}"]
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"body is no JSON: {error}"]
        outside = {name for name, member in shape["members"].items() if "location" in member}
        inside = {**shape, "members": {name: m for name, m in shape["members"].items() if name not in outside}}
        return self.of_value(inside, value, operation)

    def of_headers(self, shape, headers):
        found = []
        for name, member in shape["members"].items():
            key = member.get("locationName")
            if member.get("location") == "header" and key in headers:
                found += self.of_value(self.service.shape(member), headers[key], key, member["shape"])
        return found

    def of_call(self, status, headers, body):
        """Invoke: what it tells beside the function's own bytes."""
        told = {name for name in ("X-Amz-Executed-Version", "X-Amz-Log-Result", "X-Amz-Function-Error") if name in headers}
        if status != 200:
            return [f"{name} on status {status}" for name in sorted(told)] + (["a body"] if body else [])
        found = [] if "X-Amz-Executed-Version" in told else ["no X-Amz-Executed-Version"]
        if headers.get("X-Amz-Function-Error", "Unhandled") not in ("Unhandled", "Handled"):
            found.append(f"X-Amz-Function-Error {headers['X-Amz-Function-Error']}")
        if "X-Amz-Log-Result" in told and len(base64.b64decode(headers["X-Amz-Log-Result"])) > 4096:
            found.append("X-Amz-Log-Result of more than 4096 bytes")
        if not re.fullmatch(r"(?i)root=1-[0-9a-f]{8}-[0-9a-f]{24};.*", headers.get("X-Amzn-Trace-Id", "")):
            found.append(f"X-Amzn-Trace-Id {headers.get('X-Amzn-Trace-Id')}")
        return found

    # ---- values

    def of_value(self, shape, value, place, name=None):
        check = getattr(self, f"of_{shape.get('type', 'structure')}")
        return check(shape, value, place, name)

    def of_structure(self, shape, value, place, _):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no object"]
        found = [f"{place}: no {name}" for name in shape.get("required", ()) if name not in value]
        members = {member.get("locationName", name): member for name, member in shape["members"].items()}
        for key, inner in value.items():
            if key in members:
                reference = members[key]
                found += self.of_value(self.service.shape(reference), inner, f"{place}.{key}", reference["shape"])
            elif self.service.newest or key not in NEWER_MEMBERS:
                found.append(f"{place}: {key} is no member")
        return found

    def of_list(self, shape, value, place, _):
        if not isinstance(value, list):
            return [f"{place}: {value!r} is no list"]
        inner = self.service.shape(shape["member"])
        return self.of_size(shape, len(value), place) + [
            line for index, each in enumerate(value)
            for line in self.of_value(inner, each, f"{place}[{index}]", shape["member"]["shape"])]

    def of_map(self, shape, value, place, _):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no object"]
        key_shape, inner = self.service.shape(shape["key"]), self.service.shape(shape["value"])
        return [line for key, each in value.items()
                for line in (*self.of_value(key_shape, key, f"{place} key", shape["key"]["shape"]),
                             *self.of_value(inner, each, f"{place}.{key}", shape["value"]["shape"]))]

    def of_string(self, shape, value, place, name):
        if not isinstance(value, str):
            return [f"{place}: {value!r} is no text"]
        found = self.of_size(shape, len(value), place)
        newer = not self.service.newest and re.fullmatch(NEWER_ENUMS.get(name, "(?!)"), value)
        if "enum" in shape and value not in shape["enum"] and not newer:
            found.append(f"{place}: {value!r} is none of {name}")
        unsigned = name == "CodeSigningConfigArn" and value == ""  # what Lambda answers where nothing is signed
        if "pattern" in shape and not unsigned and not re.fullmatch(shape["pattern"], value):
            found.append(f"{place}: {value!r} does not match {shape['pattern']}")
        if name == "Timestamp":
            wanted = MOMENT_OF_PROVISIONED if "Provisioned" in place else MOMENT
            if not wanted.fullmatch(value):
                found.append(f"{place}: {value!r} is no moment like {wanted.pattern}")
        return found

    def of_blob(self, _, value, place, __):
        try:
            base64.b64decode(value, validate=True)
            return []
        except (TypeError, binascii.Error):
            return [f"{place}: {value!r} is no base64"]

    def of_integer(self, shape, value, place, _):
        if not isinstance(value, int) or isinstance(value, bool):
            return [f"{place}: {value!r} is no whole number"]
        return self.of_size(shape, value, place)

    of_long = of_integer

    def of_double(self, shape, value, place, _):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return [f"{place}: {value!r} is no number"]
        return self.of_size(shape, value, place)

    of_timestamp = of_double  # seconds since 1970

    def of_boolean(self, _, value, place, __):
        return [] if isinstance(value, bool) else [f"{place}: {value!r} is neither true nor false"]

    def of_size(self, shape, size, place):
        low, high = shape.get("min", size), shape.get("max", size)
        return [] if low <= size <= high else [f"{place}: {size} is not in {low}..{high}"]

    # ---- errors

    def of_error(self, operation, status, headers, body):
        name = headers.get("x-amzn-ErrorType")
        own = {error["shape"] for error in self.service.operations.get(operation, {}).get("errors", ())}
        if name not in own and name not in COMMON:
            return [f"{status}: x-amzn-ErrorType {name} is no error of {operation}"]
        try:
            told = json.loads(body)
        except ValueError:
            return [f"{name}: the body is no JSON: {body[:80]!r}"]
        if name in COMMON:
            wanted, typed = COMMON[name]
        else:
            wanted, typed = self.service.shapes[name]["error"]["httpStatusCode"], True
        found = [] if status == wanted else [f"{name}: status {status}, expected {wanted}"]
        return found + self.of_error_body(name, status, told, typed) + self.of_throttle(name, headers, told)

    def of_error_body(self, name, status, told, typed):
        members = self.service.shapes.get(name, {"members": {"message": None, "Type": None}})["members"]
        key = "Message" if "Message" in members else "message"
        found = [] if isinstance(told.get(key), str) and told[key] else [f"{name}: no {key} in {sorted(told)}"]
        if typed and told.get("Type") != ("Service" if status >= 500 else "User"):
            found.append(f"{name}: Type {told.get('Type')!r}")
        if not typed and "Type" in told:
            found.append(f"{name}: it has no Type")
        extra = set(told) - set(members) - {"Type"} - ({"why"} if status == 429 else set())
        return found + ([f"{name}: {sorted(extra)} are no members"] if extra else [])

    def of_throttle(self, name, headers, told):
        if name != "TooManyRequestsException":
            return []
        found = [] if headers.get("Retry-After", "").isdigit() else [f"Retry-After {headers.get('Retry-After')!r}"]
        if told.get("Reason") not in self.service.shapes["ThrottleReason"]["enum"]:
            found.append(f"{name}: Reason {told.get('Reason')!r}")
        if told.get("message") != "Rate Exceeded.":
            found.append(f"{name}: message {told.get('message')!r}")
        if not told.get("why"):
            found.append(f"{name}: no why, which names the limit, its value and where it was set")
        return found
