#!/usr/bin/env python3
"""The model says what the description of the service says: sequences written by hand from it, no server."""

import unittest

import fixture
from model import ABSENT, LATEST, Account, OneOf, Refused, Revision, differences, function_arn, layer_arn

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


class ModelCase(unittest.TestCase):
    def setUp(self):
        self.account = Account()

    def do(self, operation, **parameters):
        return self.account.perform(operation, **parameters)

    def create(self, name="f", code=b"one", **settings):
        return self.do("CreateFunction", FunctionName=name, Code={"ZipFile": code}, Runtime="provided",
                       Handler="h", Role=fixture.ROLE, **settings)

    def refused(self, name, status, message, operation, **parameters):
        before = repr(vars(self.account))
        with self.assertRaises(Refused) as refusal:
            self.do(operation, **parameters)
        told = refusal.exception
        self.assertEqual((name, status, message), (told.name, told.status, told.message))
        self.assertEqual(before, repr(vars(self.account)), "a refusal changed something")
        return told


class Functions(ModelCase):
    def test_a_function_has_the_defaults_of_the_service(self):
        told = self.create()
        self.assertEqual((LATEST, 3, 128, {"Size": 512}, ""), tuple(
            told[key] for key in ("Version", "Timeout", "MemorySize", "EphemeralStorage", "Description")))
        got = self.do("GetFunction", FunctionName="f")
        self.assertEqual(("Active", "Successful", ABSENT, ABSENT),
                         (got["Configuration"]["State"], got["Configuration"]["LastUpdateStatus"], got["Tags"],
                          got["Concurrency"]))

    def test_a_name_is_taken_once(self):
        self.create()
        with self.assertRaises(Refused) as refusal:
            self.create()
        self.assertEqual((409, "Function already exist: f"), (refusal.exception.status, refusal.exception.message))

    def test_a_name_and_a_qualifier_that_disagree_are_refused(self):
        self.create()
        for form in ("f:1", "000000000000:function:f:1", ARN + ":1"):
            self.refused("InvalidParameterValueException", 400, "The derived qualifier from the function name does not "
                         "match the specified qualifier.", "GetFunction", FunctionName=form, Qualifier="2")

    def test_a_stale_revision_is_refused_and_a_current_one_is_not(self):
        self.create()
        first = self.account.functions["f"].latest.revision
        self.assertTrue(first.learn("a"))
        self.do("UpdateFunctionConfiguration", FunctionName="f", Description="newer")
        second = self.account.functions["f"].latest.revision
        self.assertFalse(second.learn("a"), "an update changes the revision")
        self.assertTrue(second.learn("b"))
        stale = ("PreconditionFailedException", 412, "The Revision Id provided does not match the latest Revision Id. "
                 "Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
        for operation, parameters in (("UpdateFunctionCode", {"ZipFile": b"two"}), ("UpdateFunctionConfiguration", {}),
                                      ("PublishVersion", {})):
            self.refused(*stale, operation, FunctionName="f", RevisionId=first, **parameters)
        self.do("UpdateFunctionCode", FunctionName="f", ZipFile=b"two", RevisionId=second)

    def test_latest_is_deleted_with_its_function_only(self):
        self.create()
        self.refused("InvalidParameterValueException", 400,
                     "$LATEST version cannot be deleted without deleting the function.",
                     "DeleteFunction", FunctionName="f", Qualifier=LATEST)
        self.do("DeleteFunction", FunctionName="f")
        self.refused("ResourceNotFoundException", 404, f"Function not found: {ARN}:1", "GetFunction",
                     FunctionName="f", Qualifier="1")


class Versions(ModelCase):
    def publish(self, **parameters):
        return self.do("PublishVersion", FunctionName="f", **parameters)["Version"]

    def test_a_version_is_published_once_a_change(self):
        self.create()
        self.assertEqual(["1", "1"], [self.publish(), self.publish(Description="another")])
        self.do("UpdateFunctionCode", FunctionName="f", ZipFile=b"two")
        self.assertEqual(["2", "2"], [self.publish(), self.publish()])
        self.assertEqual([LATEST, "1", "2"], [each["Version"] for each in self.do(
            "ListVersionsByFunction", FunctionName="f")["Versions"]])

    def test_a_version_never_changes(self):
        self.create(code=b"one", Description="first")
        self.publish()
        before = self.do("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
        self.do("UpdateFunctionCode", FunctionName="f", ZipFile=b"two")
        self.do("UpdateFunctionConfiguration", FunctionName="f", Description="second", Timeout=9)
        after = self.do("GetFunctionConfiguration", FunctionName="f:1")
        self.assertEqual({**before, "RevisionId": 0}, {**after, "RevisionId": 0})
        self.assertEqual((ARN + ":1", "first", 3), (after["FunctionArn"], after["Description"], after["Timeout"]))

    def test_a_number_is_never_used_twice(self):
        self.create()
        self.publish()
        self.do("DeleteFunction", FunctionName="f", Qualifier="1")
        self.refused("ResourceNotFoundException", 404, f"Function not found: {ARN}:1", "Invoke",
                     FunctionName="f", Qualifier="1")
        self.assertEqual("2", self.publish())
        self.do("DeleteFunction", FunctionName="f")
        self.create()
        self.assertEqual("3", self.publish())

    def test_a_version_of_other_code_is_not_published(self):
        self.create(code=b"one")
        self.refused("InvalidParameterValueException", 400, None, "PublishVersion", FunctionName="f",
                     CodeSha256="b" * 43 + "=")


class Aliases(ModelCase):
    def setUp(self):
        super().setUp()
        self.create()
        for number in range(2):
            self.do("UpdateFunctionCode", FunctionName="f", ZipFile=str(number).encode())
            self.do("PublishVersion", FunctionName="f")

    def alias(self, name="live", version="1", weights=None):
        return self.do("CreateAlias", FunctionName="f", Name=name, FunctionVersion=version,
                       **({"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights is not None else {}))

    def test_an_alias_is_one_version_or_two(self):
        self.alias(weights={"2": 0.1})
        self.assertEqual(OneOf(("1", "2")), self.do("Invoke", FunctionName="f", Qualifier="live")["ExecutedVersion"])
        got = self.do("GetFunction", FunctionName="f:live")["Configuration"]
        self.assertEqual((ARN + ":live", "1"), (got["FunctionArn"], got["Version"]))
        self.do("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={})
        self.assertEqual(OneOf(("1",)), self.do("Invoke", FunctionName="f", Qualifier="live")["ExecutedVersion"])
        self.assertIs(ABSENT, self.do("GetAlias", FunctionName="f", Name="live")["RoutingConfig"])

    def test_a_name_is_taken_once_and_is_no_number(self):
        self.alias()
        self.refused("ResourceConflictException", 409, f"Alias already exists: {ARN}:live", "CreateAlias",
                     FunctionName="f", Name="live", FunctionVersion="1")
        self.refused("ValidationException", 400, None, "CreateAlias", FunctionName="f", Name="12", FunctionVersion="1")

    def test_weights_are_of_one_other_published_version(self):
        for weights in ({"1": 0.5}, {"2": 0.1, "3": 0.1}):
            self.refused("InvalidParameterValueException", 400, None, "CreateAlias", FunctionName="f", Name="live",
                         FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": weights})
        for weights in ({LATEST: 0.5}, {"2": 1.1}, {"2": -0.1}):
            self.refused("ValidationException", 400, None, "CreateAlias", FunctionName="f", Name="live",
                         FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": weights})
        self.refused("ResourceNotFoundException", 404, f"Function not found: {ARN}:9", "CreateAlias", FunctionName="f",
                     Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"9": 0.5}})

    def test_a_missing_alias_is_not_got_and_deleted_without_a_word(self):
        self.refused("ResourceNotFoundException", 404, f"Cannot find alias arn: {ARN}:live", "GetAlias",
                     FunctionName="f", Name="live")
        self.assertEqual({}, self.do("DeleteAlias", FunctionName="f", Name="live"))

    def test_a_version_of_an_alias_stays(self):
        self.alias(weights={"2": 0.5})
        for number in ("1", "2"):
            self.refused("ResourceConflictException", 409, None, "DeleteFunction", FunctionName="f", Qualifier=number)


class Settings(ModelCase):
    def setUp(self):
        super().setUp()
        self.create()

    def test_tags_are_merged_and_at_most_fifty(self):
        self.do("TagResource", Resource=ARN, Tags={str(number): "v" for number in range(50)})
        self.do("TagResource", Resource=ARN, Tags={"0": "w"})
        self.refused("InvalidParameterValueException", 400, None, "TagResource", Resource=ARN, Tags={"50": "v"})
        self.do("UntagResource", Resource=ARN, TagKeys=["1", "never there"])
        tags = self.do("ListTags", Resource=ARN)["Tags"]
        self.assertEqual((49, "w"), (len(tags), tags["0"]))

    def test_a_hundred_executions_stay_unreserved(self):
        self.create("g")
        self.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=600)
        self.refused("InvalidParameterValueException", 400, "Specified ReservedConcurrentExecutions for function "
                     "decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
                     "PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=301)
        self.do("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=300)
        self.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=500)
        self.assertEqual(200, self.do("GetAccountSettings")["AccountLimit"]["UnreservedConcurrentExecutions"])
        self.do("DeleteFunctionConcurrency", FunctionName="f")
        self.assertIs(ABSENT, self.do("GetFunctionConcurrency", FunctionName="f")["ReservedConcurrentExecutions"])

    def test_nothing_reserved_stops_a_function(self):
        self.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
        told = self.refused("TooManyRequestsException", 429, "Rate Exceeded.", "Invoke", FunctionName="f")
        self.assertEqual("ReservedFunctionConcurrentInvocationLimitExceeded", told.reason)

    def test_concurrency_is_of_functions_only(self):
        self.do("PublishVersion", FunctionName="f")
        self.refused("InvalidParameterValueException", 400, None, "PutFunctionConcurrency", FunctionName=ARN + ":1",
                     ReservedConcurrentExecutions=1)

    def test_a_permission_is_a_statement_until_it_is_removed(self):
        self.refused("ResourceNotFoundException", 404, None, "GetPolicy", FunctionName="f")
        add = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
               "SourceArn": "arn:aws:s3:::b"}
        statement = {"Sid": "s", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN,
                     "Principal": {"Service": "s3.amazonaws.com"},
                     "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}}
        self.assertEqual(statement, self.do("AddPermission", **add)["Statement"].value)
        self.refused("ResourceConflictException", 409, None, "AddPermission", **add)
        self.assertEqual({"Version": "2012-10-17", "Id": "default", "Statement": [statement]},
                         self.do("GetPolicy", FunctionName="f")["Policy"].value)
        self.do("RemovePermission", FunctionName="f", StatementId="s")
        self.refused("ResourceNotFoundException", 404, None, "RemovePermission", FunctionName="f", StatementId="s")

    def test_a_policy_has_twenty_kilobytes(self):
        add = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        for number in range(1000):
            try:
                self.do("AddPermission", StatementId=f"{number:090}", **add)
            except Refused as refusal:
                self.assertEqual(("PolicyLengthExceededException", 400), (refusal.name, refusal.status))
                break
        self.assertTrue(20_480 - 300 < self.account.functions["f"].policies[None].size() <= 20_480)

    def test_the_settings_of_asynchronous_calls_are_replaced_or_merged(self):
        self.refused("InvalidParameterValueException", 400, "You must specify at least one of error handling or "
                     "destination setting.", "PutFunctionEventInvokeConfig", FunctionName="f")
        self.refused("ResourceNotFoundException", 404, None, "UpdateFunctionEventInvokeConfig", FunctionName="f",
                     MaximumRetryAttempts=1)
        told = self.do("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
        self.assertEqual((ARN + ":$LATEST", 1, ABSENT), (told["FunctionArn"], told["MaximumRetryAttempts"],
                                                        told["MaximumEventAgeInSeconds"]))
        told = self.do("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
        self.assertEqual((1, 60), (told["MaximumRetryAttempts"], told["MaximumEventAgeInSeconds"]))
        told = self.do("PutFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=61)
        self.assertEqual((ABSENT, 61), (told["MaximumRetryAttempts"], told["MaximumEventAgeInSeconds"]))
        self.do("DeleteFunctionEventInvokeConfig", FunctionName="f")
        self.refused("ResourceNotFoundException", 404, None, "GetFunctionEventInvokeConfig", FunctionName="f")

    def test_code_signing_is_answered_with_nothing(self):
        self.assertEqual({"CodeSigningConfigArn": "", "FunctionName": "f"},
                         self.do("GetFunctionCodeSigningConfig", FunctionName="f"))


class Provisioned(ModelCase):
    def setUp(self):
        super().setUp()
        self.create()
        self.do("PublishVersion", FunctionName="f")
        self.do("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")

    def put(self, qualifier, count):
        return {"FunctionName": "f", "Qualifier": qualifier, "ProvisionedConcurrentExecutions": count}

    def test_it_is_of_a_version_or_an_alias_and_not_of_both(self):
        self.refused("InvalidParameterValueException", 400, None, "PutProvisionedConcurrencyConfig",
                     **self.put(LATEST, 1))
        told = self.do("PutProvisionedConcurrencyConfig", **self.put("live", 2))
        self.assertEqual(2, told["RequestedProvisionedConcurrentExecutions"])
        self.refused("ResourceConflictException", 409, None, "PutProvisionedConcurrencyConfig", **self.put("1", 1))
        self.refused("ProvisionedConcurrencyConfigNotFoundException", 404,
                     "No Provisioned Concurrency Config found for this function", "GetProvisionedConcurrencyConfig",
                     FunctionName="f", Qualifier="1")

    def test_none_is_a_violated_constraint(self):
        self.refused("ValidationException", 400, "1 validation error detected: Value '0' at "
                     "'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater "
                     "than or equal to 1", "PutProvisionedConcurrencyConfig", **self.put("1", 0))

    def test_it_is_part_of_what_is_reserved(self):
        self.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=2)
        self.refused("InvalidParameterValueException", 400, None, "PutProvisionedConcurrencyConfig", **self.put("1", 3))
        self.do("PutProvisionedConcurrencyConfig", **self.put("1", 2))
        self.refused("InvalidParameterValueException", 400, None, "PutFunctionConcurrency", FunctionName="f",
                     ReservedConcurrentExecutions=1)

    def test_without_a_reservation_it_is_taken_from_what_is_shared(self):
        self.create("g")
        self.do("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=899)
        self.refused("InvalidParameterValueException", 400, None, "PutProvisionedConcurrencyConfig", **self.put("1", 2))
        self.do("PutProvisionedConcurrencyConfig", **self.put("1", 1))
        self.assertEqual(100, self.do("GetAccountSettings")["AccountLimit"]["UnreservedConcurrentExecutions"])

    def test_it_goes_with_its_alias(self):
        self.do("PutProvisionedConcurrencyConfig", **self.put("live", 1))
        self.do("DeleteAlias", FunctionName="f", Name="live")
        self.assertEqual([], self.do("ListProvisionedConcurrencyConfigs", FunctionName="f")["ProvisionedConcurrencyConfigs"].items)


class Layers(ModelCase):
    def publish(self, code, **settings):
        return self.do("PublishLayerVersion", LayerName="l", Content={"ZipFile": code}, **settings)["Version"]

    def test_a_number_is_never_used_twice(self):
        self.assertEqual([1, 2], [self.publish(b"one"), self.publish(b"two")])
        self.do("DeleteLayerVersion", LayerName="l", VersionNumber=2)
        self.assertEqual({}, self.do("DeleteLayerVersion", LayerName="l", VersionNumber=2))
        self.assertEqual(3, self.publish(b"three"))
        self.refused("ResourceNotFoundException", 404, None, "GetLayerVersion", LayerName="l", VersionNumber=2)

    def test_a_function_keeps_a_layer_that_was_deleted(self):
        self.publish(b"four")
        self.create(Layers=[layer_arn("l", 1)])
        self.do("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        self.assertEqual([{"Arn": layer_arn("l", 1), "CodeSize": 4}],
                         self.do("GetFunctionConfiguration", FunctionName="f")["Layers"])
        self.refused("InvalidParameterValueException", 400, None, "UpdateFunctionConfiguration", FunctionName="f",
                     Layers=[layer_arn("l", 1)])

    def test_the_latest_version_for_a_runtime_is_listed(self):
        self.publish(b"one", CompatibleRuntimes=["provided"])
        self.publish(b"two")
        self.assertEqual([2], [each["LatestMatchingVersion"]["Version"] for each in self.do("ListLayers")["Layers"].items])
        self.assertEqual([1], [each["LatestMatchingVersion"]["Version"] for each in self.do(
            "ListLayers", CompatibleRuntime="provided")["Layers"].items])


class Comparing(unittest.TestCase):
    def test_what_is_expected_must_be_there_and_what_must_not_be_is_missed_by_nobody(self):
        expected = {"a": 1, "b": ABSENT, "c": [{"d": OneOf((1, 2))}], "r": Revision()}
        self.assertEqual([], differences(expected, {"a": 1, "c": [{"d": 2}], "r": "x", "more": 0}))
        for got in ({"c": [{"d": 2}], "r": "x"}, {"a": 1, "b": 0, "c": [{"d": 2}], "r": "x"},
                    {"a": 1, "c": [{"d": 3}], "r": "x"}, {"a": 1, "c": [], "r": "x"}, {"a": 1, "c": [{"d": 2}], "r": "y"}):
            self.assertEqual(1, len(differences(expected, got)), got)

    def test_names_are_arns(self):
        self.assertEqual((ARN, ARN + ":1"), (function_arn("f"), function_arn("f", "1")))


if __name__ == "__main__":
    fixture.main("model")
