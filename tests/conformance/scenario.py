"""What every client does with every operation that faasd has, once; the model judges each step."""

import fixture
from model import LATEST, function_arn, layer_arn
from packages import layer, marked

NAME, OTHER, LAYER, SECOND = "round", "other", "shared", "second"
ARN = function_arn(NAME)
BASE = {"Runtime": "provided", "Handler": "bootstrap", "Role": fixture.ROLE}


def functions(do):
    do("CreateFunction", FunctionName=NAME, Code={"ZipFile": marked("one")}, Description="first", Timeout=20,
       MemorySize=192, Environment={"Variables": {"COLOUR": "red"}}, Tags={"team": "blue"}, **BASE)
    do("CreateFunction", FunctionName=NAME, Code={"ZipFile": marked("one")}, **BASE)                     # it is taken
    do("CreateFunction", FunctionName=OTHER, Code={"ZipFile": marked("other")}, **BASE)
    do("GetFunction", FunctionName=NAME)
    do("GetFunction", FunctionName="nobody", Qualifier="1")
    do("GetFunctionConfiguration", FunctionName=ARN)
    do("ListFunctions")
    do("GetAccountSettings")
    do("Invoke", FunctionName=NAME)


def code_signing(do):
    do("GetFunctionCodeSigningConfig", FunctionName=NAME)
    do("GetFunctionCodeSigningConfig", FunctionName="nobody")


def changes(do, account):
    before = account.functions[NAME].latest.revision
    do("UpdateFunctionConfiguration", FunctionName=NAME, Description="second", Timeout=21, RevisionId=before)
    do("UpdateFunctionConfiguration", FunctionName=NAME, Description="third", RevisionId=before)         # it is stale
    do("UpdateFunctionCode", FunctionName=NAME, ZipFile=marked("dry"), DryRun=True)
    do("UpdateFunctionCode", FunctionName=NAME, ZipFile=marked("stale"), RevisionId=before)
    do("UpdateFunctionCode", FunctionName=NAME, ZipFile=marked("two"))
    do("Invoke", FunctionName=NAME)


def versions(do):
    do("CreateFunction", FunctionName="born", Code={"ZipFile": marked("born")}, Publish=True, **BASE)
    do("ListVersionsByFunction", FunctionName="born")
    do("DeleteFunction", FunctionName="born")
    do("PublishVersion", FunctionName=NAME, Description="the first version")
    do("PublishVersion", FunctionName=NAME, Description="nothing changed")
    do("UpdateFunctionCode", FunctionName=NAME, ZipFile=marked("three"), Publish=True)
    do("ListVersionsByFunction", FunctionName=NAME)
    for number in ("1", "2", LATEST):
        do("Invoke", FunctionName=NAME, Qualifier=number)
        do("GetFunctionConfiguration", FunctionName=NAME, Qualifier=number)
    do("GetFunctionConfiguration", FunctionName=f"{NAME}:1", Qualifier="2")
    do("GetFunctionConfiguration", FunctionName=function_arn(NAME, "1"), Qualifier="1")
    do("Invoke", FunctionName=NAME, Qualifier="9")
    do("DeleteFunction", FunctionName=NAME, Qualifier=LATEST)


def aliases(do, account):
    do("CreateAlias", FunctionName=NAME, Name="live", FunctionVersion="1", Description="what users see")
    do("CreateAlias", FunctionName=NAME, Name="live", FunctionVersion="1")
    do("CreateAlias", FunctionName=NAME, Name="canary", FunctionVersion="1",
       RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    before = account.functions[NAME].aliases["live"].revision
    do("UpdateAlias", FunctionName=NAME, Name="live", FunctionVersion="2", RevisionId=before)
    do("UpdateAlias", FunctionName=NAME, Name="live", FunctionVersion="1", RevisionId=before)
    for _ in range(4):
        do("Invoke", FunctionName=NAME, Qualifier="canary")
    do("Invoke", FunctionName=NAME, Qualifier="live")
    do("GetFunction", FunctionName=NAME, Qualifier="live")
    do("GetAlias", FunctionName=NAME, Name="canary")
    do("GetAlias", FunctionName=NAME, Name="nobody")
    do("UpdateAlias", FunctionName=NAME, Name="canary", RoutingConfig={})
    do("ListAliases", FunctionName=NAME)
    do("ListAliases", FunctionName=NAME, FunctionVersion="2")
    do("DeleteFunction", FunctionName=NAME, Qualifier="2")                                                # an alias has it


def only_kept(do):
    do("GetRuntimeManagementConfig", FunctionName=NAME)
    do("PutRuntimeManagementConfig", FunctionName=NAME, UpdateRuntimeOn="FunctionUpdate")
    do("GetFunctionRecursionConfig", FunctionName=NAME)
    do("PutFunctionRecursionConfig", FunctionName=NAME, RecursiveLoop="Allow")
    do("GetFunctionRecursionConfig", FunctionName=NAME)


def tags(do):
    do("TagResource", Resource=ARN, Tags={"team": "red", "cost": "7"})
    do("UntagResource", Resource=ARN, TagKeys=["cost"])
    do("ListTags", Resource=ARN)
    do("ListTags", Resource=function_arn("nobody"))


def permissions(do):
    do("GetPolicy", FunctionName=NAME)
    do("AddPermission", FunctionName=NAME, StatementId="bucket", Action="lambda:InvokeFunction",
       Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket", SourceAccount="123456789012")
    do("AddPermission", FunctionName=NAME, StatementId="bucket", Action="lambda:InvokeFunction", Principal="*")
    do("AddPermission", FunctionName=NAME, StatementId="account", Action="lambda:GetFunction",
       Principal="123456789012", Qualifier="live")
    do("GetPolicy", FunctionName=NAME)
    do("GetPolicy", FunctionName=NAME, Qualifier="live")
    do("RemovePermission", FunctionName=NAME, StatementId="bucket")
    do("RemovePermission", FunctionName=NAME, StatementId="bucket")
    do("RemovePermission", FunctionName=NAME, StatementId="account", Qualifier="live")


def concurrency(do):
    do("PutFunctionConcurrency", FunctionName=NAME, ReservedConcurrentExecutions=0)
    do("Invoke", FunctionName=NAME)
    do("PutFunctionConcurrency", FunctionName=NAME, ReservedConcurrentExecutions=901)
    do("PutFunctionConcurrency", FunctionName=NAME, ReservedConcurrentExecutions=40)
    do("GetFunctionConcurrency", FunctionName=NAME)
    do("GetFunction", FunctionName=NAME)
    do("GetAccountSettings")
    do("PutProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier="live", ProvisionedConcurrentExecutions=1)
    do("PutProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier="2", ProvisionedConcurrentExecutions=1)
    do("PutProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier=LATEST, ProvisionedConcurrentExecutions=1)
    do("GetProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier="live")
    do("GetProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier="1")
    do("ListProvisionedConcurrencyConfigs", FunctionName=NAME)
    do("Invoke", FunctionName=NAME, Qualifier="live")
    do("DeleteProvisionedConcurrencyConfig", FunctionName=NAME, Qualifier="live")
    do("ListProvisionedConcurrencyConfigs", FunctionName=NAME)
    do("DeleteFunctionConcurrency", FunctionName=NAME)
    do("GetFunctionConcurrency", FunctionName=NAME)


def events(do):
    do("GetFunctionEventInvokeConfig", FunctionName=NAME)
    do("PutFunctionEventInvokeConfig", FunctionName=NAME)
    do("PutFunctionEventInvokeConfig", FunctionName=NAME, MaximumRetryAttempts=1,
       DestinationConfig={"OnFailure": {"Destination": function_arn(OTHER)}})
    do("UpdateFunctionEventInvokeConfig", FunctionName=NAME, MaximumEventAgeInSeconds=60)
    do("PutFunctionEventInvokeConfig", FunctionName=NAME, Qualifier="live", MaximumEventAgeInSeconds=120)
    do("GetFunctionEventInvokeConfig", FunctionName=NAME)
    do("ListFunctionEventInvokeConfigs", FunctionName=NAME)
    do("DeleteFunctionEventInvokeConfig", FunctionName=NAME)
    do("UpdateFunctionEventInvokeConfig", FunctionName=NAME, MaximumRetryAttempts=2)


def layers(do):
    do("PublishLayerVersion", LayerName=LAYER, Content={"ZipFile": layer("one")}, Description="for all",
       CompatibleRuntimes=["provided"], LicenseInfo="MIT", CompatibleArchitectures=["x86_64"])
    do("PublishLayerVersion", LayerName=LAYER, Content={"ZipFile": layer("two")})
    do("GetLayerVersion", LayerName=LAYER, VersionNumber=1)
    do("GetLayerVersion", LayerName=LAYER, VersionNumber=9)
    do("GetLayerVersionByArn", Arn=layer_arn(LAYER, 2))
    do("ListLayerVersions", LayerName=LAYER)
    do("ListLayers")
    do("ListLayers", CompatibleRuntime="provided")
    do("PublishLayerVersion", LayerName=SECOND, Content={"ZipFile": layer("three")})
    do("UpdateFunctionConfiguration", FunctionName=NAME, Layers=[layer_arn(SECOND, 1), layer_arn(LAYER, 1)])
    do("UpdateFunctionConfiguration", FunctionName=NAME, Layers=[layer_arn(LAYER, 1), layer_arn(LAYER, 2)])
    do("UpdateFunctionConfiguration", FunctionName=NAME, Layers=[layer_arn(LAYER, 9)])
    do("GetFunctionConfiguration", FunctionName=NAME)
    do("DeleteLayerVersion", LayerName=LAYER, VersionNumber=1)
    do("DeleteLayerVersion", LayerName=LAYER, VersionNumber=1)
    do("Invoke", FunctionName=NAME)
    do("UpdateFunctionConfiguration", FunctionName=NAME, Layers=[])


def ends_of_versions(do):
    do("DeleteAlias", FunctionName=NAME, Name="canary")
    do("DeleteAlias", FunctionName=NAME, Name="canary")
    do("DeleteFunction", FunctionName=NAME, Qualifier="1")
    do("Invoke", FunctionName=NAME, Qualifier="1")


def ends(do):
    do("DeleteFunction", FunctionName=NAME)
    do("DeleteFunction", FunctionName=OTHER)
    do("GetFunctionConfiguration", FunctionName=NAME)


def play(judge, has):
    """Every part of which faasd has all operations; has: the operations it has."""
    do, account = judge.step, judge.account
    parts = [(functions, {"CreateFunction"}, (do,)),
             (code_signing, {"GetFunctionCodeSigningConfig"}, (do,)), (changes, {"UpdateFunctionCode"}, (do, account)),
             (versions, {"PublishVersion"}, (do,)), (aliases, {"CreateAlias"}, (do, account)),
             (only_kept, {"PutFunctionRecursionConfig"}, (do,)), (tags, {"TagResource"}, (do,)), (permissions, {"AddPermission"}, (do,)),
             (concurrency, {"PutFunctionConcurrency"}, (do,)), (events, {"PutFunctionEventInvokeConfig"}, (do,)),
             (layers, {"PublishLayerVersion"}, (do,)), (ends_of_versions, {"DeleteAlias"}, (do,)),
             (ends, set(), (do,))]
    for part, needs, arguments in parts:
        if needs <= has:
            part(*arguments)
