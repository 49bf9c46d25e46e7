"""Functions, their code and configuration, versions and aliases, and calls of them."""

import copy
import dataclasses
import re

from .state import Alias, Function, Version
from .words import (ABSENT, LATEST, LATEST_STAYS, MAX_LAYERS, OPEN, TWO_QUALIFIERS, AnyOrder, OneOf, Refused, Revision,
                    check_range, check_revision, function_arn, invalid, not_found)

DEFAULTS = {"Description": "", "Timeout": 3, "MemorySize": 128, "EphemeralStorage": {"Size": 512}, "Environment": None,
            "Layers": []}
# The members of a configuration that UpdateFunctionConfiguration may set and the model follows.
SETTINGS = ("Description", "Timeout", "MemorySize", "Handler", "Role", "Runtime", "Environment", "EphemeralStorage",
            "Layers")


class Functions:
    def __init__(self):
        self.functions, self.layers = {}, {}
        # The last numbers of versions, by name: none is used again, not even after the function or layer is gone.
        self.version_numbers, self.layer_numbers = {}, {}

    # ---- names

    def split(self, given, qualifier=None):
        """(function, qualifier or None) of a FunctionName in any of its forms."""
        match = re.fullmatch(r"(?:arn:aws:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?"
                             r"(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?", given)
        name, derived = match["name"], match["qualifier"]
        if derived and qualifier and derived != qualifier:
            raise invalid(TWO_QUALIFIERS)
        return name, derived or qualifier

    def found(self, given, qualifier=None):
        """(function, qualifier or None); both exist."""
        name, qualifier = self.split(given, qualifier)
        if name not in self.functions:
            raise not_found(name, qualifier) if qualifier else Refused("ResourceNotFoundException")
        function = self.functions[name]
        if qualifier:
            function.version_of(qualifier)
        return function, qualifier

    # ---- replies

    def configuration(self, function, version, qualifier=None):
        settings = version.settings
        arn = function_arn(function.name, qualifier)
        layers = [{"Arn": each["Arn"], "CodeSize": each["CodeSize"]} for each in settings["Layers"]]
        return {
            "FunctionName": function.name,
            # Whether $LATEST is spelled in its own ARN depends on the operation.
            "FunctionArn": arn if qualifier not in (None, LATEST) else OneOf((function_arn(function.name),
                                                                             function_arn(function.name, LATEST))),
            "Version": version.number, "CodeSha256": version.sha256(), "CodeSize": len(version.code),
            "PackageType": "Zip", "Architectures": ["x86_64"], "RevisionId": version.revision,
            "LastModified": OPEN, "LoggingConfig": OPEN, "SnapStart": OPEN, "TracingConfig": OPEN,
            "Layers": layers or ABSENT, "Environment": settings["Environment"] or ABSENT,
            **{key: settings[key] for key in SETTINGS if key not in ("Layers", "Environment")},
        }

    def settled(self, configuration):
        return {**configuration, "State": "Active", "LastUpdateStatus": "Successful"}

    def just_changed(self, configuration):
        """The reply to a change: the state may still be on its way, and the revision changes with it."""
        return {**configuration, "RevisionId": OPEN, "FunctionArn": OPEN}

    # ---- functions

    def check_settings(self, settings):
        check_range("timeout", settings.get("Timeout"), 1, 900)
        check_range("memorySize", settings.get("MemorySize"), 128, 32_768)
        check_range("ephemeralStorage.size", settings.get("EphemeralStorage", {}).get("Size"), 512, 10_240)
        layers = [arn.rpartition(":")[0] for arn in settings.get("Layers", [])]
        if len(layers) > MAX_LAYERS or len(layers) > len(set(layers)):
            raise invalid()

    def resolved(self, settings):
        """Settings as they are kept: layers with their sizes."""
        settings = {key: copy.deepcopy(value) for key, value in settings.items() if key in SETTINGS}
        if "Layers" in settings:
            settings["Layers"] = [{"Arn": arn, "CodeSize": len(self.layer_by_arn(arn).code)}
                                  for arn in settings["Layers"]]
        if settings.get("Environment") == {"Variables": {}}:
            settings["Environment"] = None
        return settings

    def layer_by_arn(self, arn):
        name, _, number = arn.rpartition(":")
        layer = self.layers.get((name.rpartition(":")[2], int(number)))
        if layer is None:
            raise invalid()
        return layer

    def create_function(self, FunctionName, Code, Tags=None, Publish=False, **settings):
        name, _ = self.split(FunctionName)
        self.check_settings(settings)
        if name in self.functions:
            raise Refused("ResourceConflictException", f"Function already exist: {name}")
        latest = Version(LATEST, {**DEFAULTS, **self.resolved(settings)}, Code["ZipFile"])
        function = Function(name, {LATEST: latest}, tags=dict(Tags or {}), last_number=self.version_numbers.get(name, 0))
        self.functions[name] = function
        told = self.published(function) if Publish else latest
        return self.just_changed(self.configuration(function, told))

    def get_function(self, FunctionName, Qualifier=None):
        function, qualifier = self.found(FunctionName, Qualifier)
        version = function.version_of(qualifier or LATEST)
        return {"Configuration": self.settled(self.configuration(function, version, qualifier)),
                "Code": {"RepositoryType": "S3", "Location": OPEN},
                "Tags": dict(function.tags) or ABSENT,
                "Concurrency": ABSENT if function.reserved is None
                else {"ReservedConcurrentExecutions": function.reserved}}

    def get_function_configuration(self, FunctionName, Qualifier=None):
        return self.get_function(FunctionName, Qualifier)["Configuration"]

    def list_functions(self):
        """One page, however long; a client that sends no Marker and reads all pages sees this."""
        return {"Functions": AnyOrder([{**self.configuration(each, each.latest), "State": ABSENT,
                                        "LastUpdateStatus": ABSENT} for each in self.functions.values()],
                                      "FunctionName")}

    def delete_function(self, FunctionName, Qualifier=None):
        name, qualifier = self.split(FunctionName, Qualifier)
        if name not in self.functions:
            raise not_found(name, qualifier)
        function = self.functions[name]
        if qualifier is None:
            del self.functions[name]
            return {}
        if qualifier == LATEST:
            raise invalid(LATEST_STAYS)
        if not qualifier.isdigit():
            raise invalid()  # an alias has an operation of its own
        function.version_of(qualifier)
        if any(qualifier == alias.version or qualifier in alias.weights for alias in function.aliases.values()):
            raise Refused("ResourceConflictException")
        self.forget_subject(function, qualifier)
        del function.versions[qualifier]
        function.learn_revisions_anew()
        return {}

    def forget_subject(self, function, qualifier):
        """What hangs on a version or an alias goes with it."""
        for holder in (function.policies, function.events, function.provisioned, function.managed):
            holder.pop(qualifier, None)

    def update_function_code(self, FunctionName, ZipFile, Publish=False, DryRun=False, RevisionId=None):
        function, _ = self.found(FunctionName)
        check_revision(function.latest.revision, RevisionId)
        changed = dataclasses.replace(function.latest, code=ZipFile)
        if DryRun:
            return {**self.configuration(function, changed), "RevisionId": OPEN}
        self.change(function, changed)
        told = self.published(function) if Publish else function.latest
        return self.just_changed(self.configuration(function, told))

    def update_function_configuration(self, FunctionName, RevisionId=None, **settings):
        function, _ = self.found(FunctionName)
        self.check_settings(settings)
        check_revision(function.latest.revision, RevisionId)
        settings = {**function.latest.settings, **self.resolved(settings)}
        self.change(function, dataclasses.replace(function.latest, settings=settings))
        return self.just_changed(self.configuration(function, function.latest))

    def change(self, function, latest):
        before = function.latest.revision
        function.learn_revisions_anew()
        latest.revision = Revision(before)
        function.versions[LATEST], function.changed = latest, True

    # ---- versions

    def published(self, function, description=None):
        """The version of what $LATEST is: the last one if nothing changed since."""
        last = function.versions.get(str(function.last_number))
        if last and not function.changed:
            return last
        function.last_number = self.version_numbers[function.name] = function.last_number + 1
        settings = copy.deepcopy(function.latest.settings)
        if description is not None:
            settings["Description"] = description
        version = Version(str(function.last_number), settings, function.latest.code)
        function.versions[version.number] = version
        function.changed = False
        function.learn_revisions_anew()
        return version

    def publish_version(self, FunctionName, CodeSha256=None, Description=None, RevisionId=None):
        function, _ = self.found(FunctionName)
        if CodeSha256 not in (None, function.latest.sha256()):
            raise invalid()
        check_revision(function.latest.revision, RevisionId)
        version = self.published(function, Description)
        return {**self.just_changed(self.configuration(function, version)),
                "FunctionArn": function_arn(function.name, version.number)}

    def list_versions_by_function(self, FunctionName):
        function, _ = self.found(FunctionName)
        numbers = [LATEST, *sorted((number for number in function.versions if number != LATEST), key=int)]
        return {"Versions": [self.configuration(function, function.versions[number], number) for number in numbers]}

    # ---- aliases

    def alias_reply(self, function, alias):
        return {"AliasArn": function_arn(function.name, alias.name), "Name": alias.name,
                "FunctionVersion": alias.version, "Description": alias.description, "RevisionId": alias.revision,
                "RoutingConfig": {"AdditionalVersionWeights": dict(alias.weights)} if alias.weights else ABSENT}

    def check_routing(self, function, version, weights):
        if version != LATEST and not version.isdigit():
            raise Refused("ValidationException")
        function.version_of(version)
        for number, weight in weights.items():
            if not number.isdigit():
                raise Refused("ValidationException")
            if not 0 <= weight <= 1:
                raise Refused("ValidationException")
        if len(weights) > 1 or (weights and version == LATEST) or version in weights:
            raise invalid()
        for number in weights:
            function.version_of(number)

    def create_alias(self, FunctionName, Name, FunctionVersion, Description="", RoutingConfig=None):
        if Name.isdigit():
            raise Refused("ValidationException")
        function, _ = self.found(FunctionName)
        if Name in function.aliases:
            raise Refused("ResourceConflictException", f"Alias already exists: {function_arn(function.name, Name)}")
        weights = dict((RoutingConfig or {}).get("AdditionalVersionWeights") or {})
        self.check_routing(function, FunctionVersion, weights)
        function.aliases[Name] = Alias(Name, FunctionVersion, Description, weights)
        return self.alias_reply(function, function.aliases[Name])

    def get_alias(self, FunctionName, Name):
        function, _ = self.found(FunctionName)
        if Name not in function.aliases:
            raise Refused("ResourceNotFoundException", f"Cannot find alias arn: {function_arn(function.name, Name)}")
        return self.alias_reply(function, function.aliases[Name])

    def update_alias(self, FunctionName, Name, FunctionVersion=None, Description=None, RoutingConfig=None,
                     RevisionId=None):
        function, _ = self.found(FunctionName)
        if Name not in function.aliases:
            raise Refused("ResourceNotFoundException")
        alias = function.aliases[Name]
        check_revision(alias.revision, RevisionId)
        version = FunctionVersion or alias.version
        weights = alias.weights if RoutingConfig is None else dict(RoutingConfig.get("AdditionalVersionWeights") or {})
        self.check_routing(function, version, weights)
        description = alias.description if Description is None else Description
        before = alias.revision
        function.learn_revisions_anew()
        function.aliases[Name] = Alias(Name, version, description, weights, Revision(before))
        return self.alias_reply(function, function.aliases[Name])

    def delete_alias(self, FunctionName, Name):
        function, _ = self.found(FunctionName)
        if function.aliases.pop(Name, None):
            self.forget_subject(function, Name)
            function.learn_revisions_anew()
        return {}

    def list_aliases(self, FunctionName, FunctionVersion=None):
        function, _ = self.found(FunctionName)
        return {"Aliases": AnyOrder([self.alias_reply(function, alias) for alias in function.aliases.values()
                                     if FunctionVersion in (None, alias.version)], "Name")}

    # ---- calls

    def invoke(self, FunctionName, Qualifier=None):
        function, qualifier = self.found(FunctionName, Qualifier)
        if function.reserved == 0:
            raise Refused("TooManyRequestsException", "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")
        alias = function.aliases.get(qualifier)
        if alias is None:
            return {"ExecutedVersion": function.version_of(qualifier or LATEST).number}
        shares = {alias.version: 1 - sum(alias.weights.values()), **alias.weights}
        return {"ExecutedVersion": OneOf(tuple(number for number, share in shares.items() if share > 0))}
