"""API Gateway's REST APIs."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties


def _remove_stages(client: Any, plan: Properties) -> None:
    """Remove a usage plan's stages: API Gateway refuses to delete a plan that has some."""
    client.update_usage_plan(
        usagePlanId=plan["id"],
        patchOperations=[
            {"op": "remove", "path": "/apiStages", "value": f"{stage['apiId']}:{stage['stage']}"}
            for stage in plan["apiStages"]
        ],
    )


CALLS = {
    "aws:apigateway/documentationVersion:DocumentationVersion": Calls(
        "create_documentation_version", renamed={"version": "documentationVersion"}
    ),
    "aws:apigateway/deployment:Deployment": Calls(
        "create_deployment", renamed={"restApi": "restApiId"}, id="{id}"
    ),
    "aws:apigateway/apiKey:ApiKey": Calls(
        "create_api_key",
        named="name",
        fixed={"enabled": True},
        id="{id}",
        outputs={"value": "{value}"},
    ),
    "aws:apigateway/usagePlan:UsagePlan": Calls(
        "create_usage_plan",
        empty=_remove_stages,
        named="name",
        renamed={"throttleSettings": "throttle", "quotaSettings": "quota"},
        id="{id}",
    ),
    "aws:apigateway/usagePlanKey:UsagePlanKey": Calls("create_usage_plan_key"),
}


def _patches(settings: Mapping[str, Any], prefix: str) -> list[dict[str, str]]:
    """Return a patch operation of API Gateway for each setting."""
    return [
        {
            "op": "replace",
            "path": f"{prefix}{path}",
            "value": str(value).lower() if isinstance(value, bool) else str(value),
        }
        for path, value in settings.items()
    ]


@provisions("aws:apigateway/account:Account")
def _account(context: Context, declared: Properties) -> Provisioned:
    def update(role: str) -> None:
        context.client.update_account(patchOperations=_patches({"cloudwatchRoleArn": role}, "/"))

    update(declared.pop("cloudwatchRoleArn"))
    # Account settings cannot be deleted: remove the role, as the provider does.
    return Provisioned(delete=partial(update, ""))


# An import resets these settings; the provider then restores them.
_RESET_BY_IMPORT = (
    *("apiKeySource", "description", "disableExecuteApiEndpoint", "minimumCompressionSize"),
    *("name", "policy"),
)


@provisions("aws:apigateway/restApi:RestApi", updatable=True)
def _rest_api(context: Context, declared: Properties) -> Provisioned:
    client, name = context.client, context.physical_name(declared)
    taken = {"failOnWarnings": "failOnWarnings", "putRestApiMode": "mode"}
    document = take(declared, body="body", parameters="parameters", **taken)
    if size := declared.get("minimumCompressionSize"):
        declared["minimumCompressionSize"] = int(size)  # the provider's text
    settings = {"name": name, **arguments(client, "create_rest_api", declared)}
    identity = context.before.id if context.before else client.create_rest_api(**settings)["id"]
    api = {"restApiId": identity}
    if document:
        client.put_rest_api(**api, **{"mode": "overwrite", **document})
        reset = {name: settings[name] for name in _RESET_BY_IMPORT if name in settings}
        client.update_rest_api(**api, patchOperations=_patches(reset, "/"))
    (root,) = [r for r in client.get_resources(**api)["items"] if r["path"] == "/"]
    arn = f"arn:aws:execute-api:{context.stack.region}:{context.stack.account}:{identity}"
    return Provisioned(
        id=identity,
        outputs={"name": name, "rootResourceId": root["id"], "executionArn": arn},
        delete=partial(client.delete_rest_api, **api),
    )


def _stage_of(declared: Properties) -> dict[str, str]:
    return take(declared, restApi="restApiId", stageName="stageName")


@provisions("aws:apigateway/stage:Stage", updatable=True)
def _stage(context: Context, declared: Properties) -> Provisioned:
    stage = _stage_of(declared)
    serves = take(declared, deployment="deploymentId", documentationVersion="documentationVersion")
    fixed = {"tracingEnabled": declared.pop("xrayTracingEnabled"), "tags": declared.pop("tags", {})}
    if not context.before:
        context.client.create_stage(**stage, **serves, **fixed)
    log = declared.pop("accessLogSettings", {})
    settings = serves | {f"accessLogSettings/{key}": value for key, value in log.items()}
    variables = declared.pop("variables", {})
    settings |= {f"variables/{name}": value for name, value in variables.items()}
    context.client.update_stage(**stage, patchOperations=_patches(settings, "/"))
    path = "/".join(stage.values())
    arn = f"arn:aws:apigateway:{context.stack.region}::/restapis/{stage['restApiId']}"
    return Provisioned(
        outputs={
            "arn": f"{arn}/stages/{stage['stageName']}",
            "invokeUrl": f"{context.stack.url}/_aws/execute-api/{path}",
        },
        delete=partial(context.client.delete_stage, **stage),
    )


# The provider's names of the settings, and API Gateway's.
_SETTINGS = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingRateLimit": "throttling/rateLimit",
    "throttlingBurstLimit": "throttling/burstLimit",
}


@provisions("aws:apigateway/methodSettings:MethodSettings", updatable=True)
def _method_settings(context: Context, declared: Properties) -> Provisioned:
    stage, path, settings = (
        _stage_of(declared),
        declared.pop("methodPath"),
        declared.pop("settings"),
    )
    update = partial(context.client.update_stage, **stage)
    update(patchOperations=_patches(take(settings, **_SETTINGS), f"/{path}/"))
    declared |= settings
    removal = [{"op": "remove", "path": f"/{path}"}]
    return Provisioned(delete=partial(update, patchOperations=removal))
