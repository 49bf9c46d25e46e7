#!/usr/bin/env python3
"""The oracle tells a reply of Lambda's from one that is not: each wrong reply differs from a right one in one thing."""

import email.message
import json

import fixture
import service
from oracle import Oracle

SERVICE = service.found()
ID = {"x-amzn-RequestId": "8e5c2a3d-0c9f-4a55-9a2e-0123456789ab"}
ALIAS = {"AliasArn": "arn:aws:lambda:us-east-1:000000000000:function:f:live", "Name": "live", "FunctionVersion": "1",
         "Description": "", "RevisionId": "any", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}
EVENTS = {"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", "LastModified": 1764374400.5,
          "MaximumRetryAttempts": 2}


class OracleCase(fixture.unittest.TestCase):
    def complaints(self, operation, status, body, headers=()):
        told = email.message.Message()
        for name, value in {**ID, "Content-Type": "application/json", **dict(headers)}.items():
            told[name] = value
        return Oracle(SERVICE).complaints(operation, status, told, json.dumps(body).encode() if body is not None else b"")

    def right(self, *reply):
        self.assertEqual([], self.complaints(*reply))

    def wrong(self, what, *reply):
        found = self.complaints(*reply)
        self.assertTrue(any(what in each for each in found), found)

    def error(self, what, name, status, body, operation="GetFunction", **headers):
        reply = (operation, status, body, {"x-amzn-ErrorType": name, **{k.replace("_", "-"): v for k, v in headers.items()}})
        self.wrong(what, *reply) if what else self.right(*reply)


class Results(OracleCase):
    def test_a_result_has_the_status_and_the_members_of_its_operation(self):
        self.right("CreateAlias", 201, ALIAS)
        self.wrong("status 200", "CreateAlias", 200, ALIAS)
        self.wrong("More is no member", "CreateAlias", 201, {**ALIAS, "More": 1})
        self.wrong("is no text", "CreateAlias", 201, {**ALIAS, "Description": None})
        self.wrong("does not match", "CreateAlias", 201, {**ALIAS, "FunctionVersion": "one"})
        self.wrong("is not in 1..128", "CreateAlias", 201, {**ALIAS, "Name": "n" * 129})
        self.wrong("is not in 0.0..1.0", "CreateAlias", 201,
                   {**ALIAS, "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}})
        self.wrong("Content-Type", "CreateAlias", 201, ALIAS, {"Content-Type": "text/plain"})
        self.wrong("no x-amzn-RequestId", "CreateAlias", 201, ALIAS, {"x-amzn-RequestId": "1"})

    def test_what_is_required_is_there_and_enums_are_among_their_words(self):
        self.right("GetFunctionCodeSigningConfig", 200, {"CodeSigningConfigArn": "", "FunctionName": "f"})
        self.wrong("no FunctionName", "GetFunctionCodeSigningConfig", 200, {"CodeSigningConfigArn": ""})
        self.wrong("is none of State", "GetFunctionConfiguration", 200, {"State": "Ready"})

    def test_nothing_is_nothing(self):
        self.right("DeleteFunction", 204, None)
        self.wrong("bytes of body", "DeleteFunction", 204, {})

    def test_moments_are_seconds_or_text_as_the_shape_says(self):
        self.right("GetFunctionEventInvokeConfig", 200, EVENTS)
        self.wrong("is no number", "GetFunctionEventInvokeConfig", 200, {**EVENTS, "LastModified": "2026-11-23"})
        self.right("GetFunctionConfiguration", 200, {"LastModified": "2026-11-23T06:42:02.123+0000"})
        self.wrong("is no moment", "GetFunctionConfiguration", 200, {"LastModified": "2026-11-23T06:42:02Z"})

    def test_a_call_tells_its_version(self):
        told = {"X-Amz-Executed-Version": "1", "X-Amzn-Trace-Id": "root=1-69295a00-0123456789abcdef01234567;sampled=0"}
        self.right("Invoke", 200, {"any": 1}, told)
        self.wrong("no X-Amz-Executed-Version", "Invoke", 200, {"any": 1}, {"X-Amzn-Trace-Id": told["X-Amzn-Trace-Id"]})
        self.wrong("does not match", "Invoke", 200, {"any": 1}, {**told, "X-Amz-Executed-Version": "live"})
        self.wrong("on status 202", "Invoke", 202, None, {"X-Amz-Executed-Version": "1"})


class Errors(OracleCase):
    def test_an_error_is_one_of_its_operation_with_its_status_and_its_key_for_the_message(self):
        self.error(None, "ResourceNotFoundException", 404, {"Type": "User", "Message": "no"})
        self.error("no Message", "ResourceNotFoundException", 404, {"Type": "User", "message": "no"})
        self.error("Type", "ResourceNotFoundException", 404, {"Message": "no"})
        self.error("status 400", "ResourceNotFoundException", 400, {"Type": "User", "Message": "no"})
        self.error("are no members", "ResourceNotFoundException", 404, {"Type": "User", "Message": "no", "why": "no"})
        self.error("no error of GetFunction", "PreconditionFailedException", 412, {"Type": "User", "message": "no"})
        self.error(None, "PreconditionFailedException", 412, {"Type": "User", "message": "no"}, "UpdateAlias")

    def test_a_violated_constraint_says_nothing_of_whose_fault_it_is(self):
        self.error(None, "ValidationException", 400, {"message": "no"})
        self.error("it has no Type", "ValidationException", 400, {"Type": "User", "message": "no"})

    def test_a_throttle_says_why_and_when_to_come_again(self):
        body = {"Type": "User", "message": "Rate Exceeded.", "Reason": "ConcurrentInvocationLimitExceeded", "why": "limit"}
        name = "TooManyRequestsException"
        self.error(None, name, 429, body, "Invoke", Retry_After="1")
        self.error("Retry-After", name, 429, body, "Invoke")
        self.error("Reason", name, 429, {**body, "Reason": "Busy"}, "Invoke", Retry_After="1")
        self.error("no why", name, 429, {**body, "why": ""}, "Invoke", Retry_After="1")
        self.error("message", name, 429, {**body, "message": "no"}, "Invoke", Retry_After="1")


if __name__ == "__main__":
    if SERVICE is None:
        fixture.skip_all("oracle", "botocore's description of Lambda is missing (scripts/setup --tests)")
    fixture.main("oracle")
