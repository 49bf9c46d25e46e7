"""What is kept beside a function: tags, permissions, concurrency, configuration of asynchronous calls."""

from .state import Policy
from .words import (ABSENT, CONCURRENCY, LATEST, MAX_POLICY_BYTES, MAX_TAGS, MIN_UNRESERVED, NO_EVENT_SETTING,
                    NO_PROVISIONED, OPEN, TOO_FEW_UNRESERVED, AnyOrder, JsonText, OneOf, Refused, Revision, check_range,
                    check_revision, function_arn, invalid)


class Settings:
    def only_function(self, given):
        """The function of a name that may not name a version or an alias."""
        function, qualifier = self.found(given)
        if qualifier:
            raise invalid()
        return function

    # ---- tags

    def tag_resource(self, Resource, Tags):
        function = self.only_function(Resource)
        merged = {**function.tags, **Tags}
        if len(merged) > MAX_TAGS:
            raise invalid()
        function.tags = merged
        function.learn_revisions_anew()
        return {}

    def untag_resource(self, Resource, TagKeys):
        function = self.only_function(Resource)
        function.tags = {key: value for key, value in function.tags.items() if key not in TagKeys}
        function.learn_revisions_anew()
        return {}

    def list_tags(self, Resource):
        return {"Tags": dict(self.only_function(Resource).tags)}

    # ---- permissions

    def add_permission(self, FunctionName, StatementId, Action, Principal, SourceArn=None, SourceAccount=None,
                       Qualifier=None, RevisionId=None):
        function, qualifier = self.found(FunctionName, Qualifier)
        policy = function.policies.get(qualifier) or Policy()
        if StatementId in policy.statements:
            raise Refused("ResourceConflictException")
        check_revision(policy.revision, RevisionId, None)
        conditions = {}
        if SourceAccount:
            conditions["StringEquals"] = {"AWS:SourceAccount": SourceAccount}
        if SourceArn:
            conditions["ArnLike"] = {"AWS:SourceArn": SourceArn}
        statement = {"Sid": StatementId, "Effect": "Allow", "Action": Action, "Principal": self.principal(Principal),
                     "Resource": function_arn(function.name, qualifier),
                     "Condition": conditions or ABSENT}
        changed = Policy({**policy.statements, StatementId: statement}, Revision(policy.revision))
        if changed.size() > MAX_POLICY_BYTES:
            raise Refused("PolicyLengthExceededException")
        function.learn_revisions_anew()
        function.policies[qualifier] = changed
        return {"Statement": JsonText(statement)}

    @staticmethod
    def principal(given):
        if given == "*":
            return "*"
        if given.isdigit():
            return {"AWS": f"arn:aws:iam::{given}:root"}
        return {"AWS" if given.startswith("arn:") else "Service": given}

    def policy(self, FunctionName, Qualifier):
        function, qualifier = self.found(FunctionName, Qualifier)
        if qualifier not in function.policies:
            raise Refused("ResourceNotFoundException")
        return function, qualifier, function.policies[qualifier]

    def get_policy(self, FunctionName, Qualifier=None):
        _, _, policy = self.policy(FunctionName, Qualifier)
        return {"Policy": JsonText(policy.document()), "RevisionId": policy.revision}

    def remove_permission(self, FunctionName, StatementId, Qualifier=None, RevisionId=None):
        function, qualifier, policy = self.policy(FunctionName, Qualifier)
        if StatementId not in policy.statements:
            raise Refused("ResourceNotFoundException")
        check_revision(policy.revision, RevisionId, None)
        rest = {sid: statement for sid, statement in policy.statements.items() if sid != StatementId}
        function.learn_revisions_anew()
        function.policies[qualifier] = Policy(rest, Revision(policy.revision))
        if not rest:
            del function.policies[qualifier]
        return {}

    # ---- concurrency

    def taken_by_others(self, function):
        """From what is shared: what a function reserves, and where it reserves nothing, what it has provisioned."""
        return sum(sum(each.provisioned.values()) if each.reserved is None else each.reserved
                   for each in self.functions.values() if each is not function)

    def put_function_concurrency(self, FunctionName, ReservedConcurrentExecutions):
        function = self.only_function(FunctionName)
        check_range("reservedConcurrentExecutions", ReservedConcurrentExecutions, 0, CONCURRENCY * CONCURRENCY)
        if CONCURRENCY - self.taken_by_others(function) - ReservedConcurrentExecutions < MIN_UNRESERVED:
            raise invalid(TOO_FEW_UNRESERVED)
        if ReservedConcurrentExecutions < sum(function.provisioned.values()):
            raise invalid()
        function.reserved = ReservedConcurrentExecutions
        function.learn_revisions_anew()
        return {"ReservedConcurrentExecutions": ReservedConcurrentExecutions}

    def get_function_concurrency(self, FunctionName):
        reserved = self.only_function(FunctionName).reserved
        return {"ReservedConcurrentExecutions": ABSENT if reserved is None else reserved}

    def delete_function_concurrency(self, FunctionName):
        function = self.only_function(FunctionName)
        function.reserved = None
        function.learn_revisions_anew()
        return {}

    def get_account_settings(self):
        return {"AccountLimit": {"TotalCodeSize": 80_530_636_800, "CodeSizeUnzipped": 262_144_000,
                                 "CodeSizeZipped": 52_428_800, "ConcurrentExecutions": CONCURRENCY,
                                 "UnreservedConcurrentExecutions": CONCURRENCY - self.taken_by_others(None)},
                "AccountUsage": {"FunctionCount": len(self.functions), "TotalCodeSize": OPEN}}

    # ---- provisioned concurrency: of a version or an alias, never of $LATEST

    def provisioned_subject(self, FunctionName, Qualifier):
        function, qualifier = self.found(FunctionName, Qualifier)
        if function.version_of(qualifier).number == LATEST:
            raise invalid()
        return function, qualifier

    def put_provisioned_concurrency_config(self, FunctionName, Qualifier, ProvisionedConcurrentExecutions):
        check_range("provisionedConcurrentExecutions", ProvisionedConcurrentExecutions, 1, CONCURRENCY * CONCURRENCY)
        function, qualifier = self.provisioned_subject(FunctionName, Qualifier)
        version = function.version_of(qualifier).number
        if any(other != qualifier and function.version_of(other).number == version for other in function.provisioned):
            raise Refused("ResourceConflictException")
        others = sum(count for other, count in function.provisioned.items() if other != qualifier)
        wanted = others + ProvisionedConcurrentExecutions
        if function.reserved is not None and wanted > function.reserved:
            raise invalid()
        if function.reserved is None and CONCURRENCY - self.taken_by_others(function) - wanted < MIN_UNRESERVED:
            raise invalid()
        function.provisioned[qualifier] = ProvisionedConcurrentExecutions
        function.learn_revisions_anew()
        return {"RequestedProvisionedConcurrentExecutions": ProvisionedConcurrentExecutions,
                "Status": OneOf(("IN_PROGRESS", "READY")), "LastModified": OPEN}

    def provisioned_reply(self, count):
        """Once its instances are up."""
        return {"RequestedProvisionedConcurrentExecutions": count, "AvailableProvisionedConcurrentExecutions": count,
                "AllocatedProvisionedConcurrentExecutions": count, "Status": "READY", "LastModified": OPEN}

    def get_provisioned_concurrency_config(self, FunctionName, Qualifier):
        function, qualifier = self.provisioned_subject(FunctionName, Qualifier)
        if qualifier not in function.provisioned:
            raise Refused("ProvisionedConcurrencyConfigNotFoundException", NO_PROVISIONED)
        return self.provisioned_reply(function.provisioned[qualifier])

    def delete_provisioned_concurrency_config(self, FunctionName, Qualifier):
        function, qualifier = self.provisioned_subject(FunctionName, Qualifier)
        function.provisioned.pop(qualifier, None)
        function.learn_revisions_anew()
        return {}

    def list_provisioned_concurrency_configs(self, FunctionName):
        function = self.only_function(FunctionName)
        return {"ProvisionedConcurrencyConfigs": AnyOrder([
            {**self.provisioned_reply(count), "FunctionArn": function_arn(function.name, qualifier)}
            for qualifier, count in function.provisioned.items()], "FunctionArn")}

    # ---- how asynchronous calls are tried again, and where their outcomes go

    def event_reply(self, function, qualifier):
        kept = function.events[qualifier]
        return {"FunctionArn": function_arn(function.name, qualifier), "LastModified": OPEN,
                "MaximumRetryAttempts": kept.get("MaximumRetryAttempts", ABSENT),
                "MaximumEventAgeInSeconds": kept.get("MaximumEventAgeInSeconds", ABSENT),
                **({"DestinationConfig": kept["DestinationConfig"]} if kept.get("DestinationConfig") else {})}

    def checked_event_settings(self, given):
        check_range("maximumRetryAttempts", given.get("MaximumRetryAttempts"), 0, 2)
        check_range("maximumEventAgeInSeconds", given.get("MaximumEventAgeInSeconds"), 60, 21_600)
        if not given:
            raise invalid(NO_EVENT_SETTING)
        return given

    def put_function_event_invoke_config(self, FunctionName, Qualifier=None, **given):
        given = self.checked_event_settings(given)
        function, qualifier = self.found_in_any_words(FunctionName, Qualifier)
        function.events[qualifier or LATEST] = given
        function.learn_revisions_anew()
        return self.event_reply(function, qualifier or LATEST)

    def found_in_any_words(self, FunctionName, Qualifier):
        """The words for who is not found are fixed for calls, not for these."""
        try:
            return self.found(FunctionName, Qualifier)
        except Refused as refusal:
            raise Refused(refusal.name) from refusal

    def event_subject(self, FunctionName, Qualifier):
        function, qualifier = self.found_in_any_words(FunctionName, Qualifier)
        if (qualifier or LATEST) not in function.events:
            raise Refused("ResourceNotFoundException")
        return function, qualifier or LATEST

    def update_function_event_invoke_config(self, FunctionName, Qualifier=None, **given):
        given = self.checked_event_settings(given)
        function, qualifier = self.event_subject(FunctionName, Qualifier)
        function.events[qualifier] = {**function.events[qualifier], **given}
        function.learn_revisions_anew()
        return self.event_reply(function, qualifier)

    def get_function_event_invoke_config(self, FunctionName, Qualifier=None):
        return self.event_reply(*self.event_subject(FunctionName, Qualifier))

    def delete_function_event_invoke_config(self, FunctionName, Qualifier=None):
        function, qualifier = self.event_subject(FunctionName, Qualifier)
        del function.events[qualifier]
        function.learn_revisions_anew()
        return {}

    def list_function_event_invoke_configs(self, FunctionName):
        function = self.only_function(FunctionName)
        return {"FunctionEventInvokeConfigs": AnyOrder([self.event_reply(function, qualifier)
                                                        for qualifier in function.events], "FunctionArn")}

    # ---- what is only kept

    def get_runtime_management_config(self, FunctionName, Qualifier=None):
        function, qualifier = self.found(FunctionName, Qualifier)
        return function.managed.get(qualifier or LATEST, {"UpdateRuntimeOn": "Auto"})

    def put_runtime_management_config(self, FunctionName, UpdateRuntimeOn, RuntimeVersionArn=None, Qualifier=None):
        function, qualifier = self.found(FunctionName, Qualifier)
        if (UpdateRuntimeOn == "Manual") != (RuntimeVersionArn is not None):
            raise invalid()
        function.managed[qualifier or LATEST] = {"UpdateRuntimeOn": UpdateRuntimeOn,
                                                 "RuntimeVersionArn": RuntimeVersionArn or ABSENT}
        function.learn_revisions_anew()
        return self.get_runtime_management_config(FunctionName, Qualifier)

    def get_function_recursion_config(self, FunctionName):
        return {"RecursiveLoop": self.only_function(FunctionName).recursion}

    def put_function_recursion_config(self, FunctionName, RecursiveLoop):
        function = self.only_function(FunctionName)
        function.recursion = RecursiveLoop
        function.learn_revisions_anew()
        return {"RecursiveLoop": RecursiveLoop}

    # ---- code signing: nothing is signed here, and clients insist on being told so

    def get_function_code_signing_config(self, FunctionName):
        return {"CodeSigningConfigArn": "", "FunctionName": self.found(FunctionName)[0].name}
