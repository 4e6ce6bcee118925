"""API Gateway's REST APIs."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, take, provisions


def _within_api(declared: Properties, key: str = "restApi") -> dict[str, str]:
    return {"restApiId": declared.pop(key)}


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


def endpoint_configuration(declared: Properties) -> dict[str, Any]:
    """Return the endpoint configuration of an API or a domain name, as API Gateway takes it."""
    of_endpoint = declared["endpointConfiguration"]
    types = [of_endpoint.pop("types")]
    return {"types": types, **take(of_endpoint, ipAddressType="ipAddressType")}


@provisions("aws:apigateway/account:Account")
def _account(context: Context, declared: Properties) -> Provisioned:
    role = declared.pop("cloudwatchRoleArn")
    update = context.client.update_account
    update(patchOperations=_patches({"cloudwatchRoleArn": role}, "/"))
    # Account settings cannot be deleted: remove the role, as the provider does.
    return Provisioned(
        id="api-gateway-account",
        delete=partial(update, patchOperations=_patches({"cloudwatchRoleArn": ""}, "/")),
    )


# An import resets these settings; the provider then restores them.
_RESET_BY_IMPORT = (
    *("apiKeySource", "description", "disableExecuteApiEndpoint", "minimumCompressionSize"),
    *("name", "policy"),
)


@provisions("aws:apigateway/restApi:RestApi", updatable=True)
def _rest_api(context: Context, declared: Properties) -> Provisioned:
    settings = {
        "name": context.physical_name(declared),
        **take(declared, **dict(zip(_RESET_BY_IMPORT, _RESET_BY_IMPORT))),
    }
    policy = take(
        declared, endpointAccessMode="endpointAccessMode", securityPolicy="securityPolicy"
    )
    endpoint = endpoint_configuration(declared)
    tags = declared.pop("tags", {})
    api = {
        "restApiId": (
            context.before.id
            if context.before
            else context.client.create_rest_api(
                endpointConfiguration=endpoint, tags=tags, **settings, **policy
            )["id"]
        )
    }
    delete = partial(context.client.delete_rest_api, **api)
    if "body" in declared:
        try:
            imported = context.client.put_rest_api(
                **api,
                body=declared.pop("body"),
                failOnWarnings=declared.pop("failOnWarnings", False),
                mode=declared.pop("putRestApiMode", "overwrite"),
            )
        except context.client.exceptions.BadRequestException:
            if not context.before:
                delete()
            raise
        reset = {name: value for name, value in settings.items() if imported.get(name) != value}
        context.client.update_rest_api(**api, patchOperations=_patches(reset, "/"))
    (root,) = [r for r in context.client.get_resources(**api)["items"] if r["path"] == "/"]
    arn = f"arn:aws:execute-api:{context.region}:{context.stack.account}:{api['restApiId']}"
    return Provisioned(
        id=api["restApiId"],
        outputs={"name": settings["name"], "rootResourceId": root["id"], "executionArn": arn},
        delete=delete,
    )


@provisions("aws:apigateway/documentationVersion:DocumentationVersion")
def _documentation_version(context: Context, declared: Properties) -> Provisioned:
    where = _within_api(declared, "restApiId") | {"documentationVersion": declared.pop("version")}
    context.client.create_documentation_version(
        **where, **take(declared, description="description")
    )
    return Provisioned(
        id="/".join(where.values()),
        delete=partial(context.client.delete_documentation_version, **where),
    )


@provisions("aws:apigateway/deployment:Deployment")
def _deployment(context: Context, declared: Properties) -> Provisioned:
    declared.pop("triggers")  # Pulumi's own: a change of them replaces the deployment
    api = _within_api(declared)
    made = context.client.create_deployment(**api, **take(declared, description="description"))
    return Provisioned(
        id=made["id"],
        delete=partial(context.client.delete_deployment, **api, deploymentId=made["id"]),
    )


@provisions("aws:apigateway/stage:Stage", updatable=True)
def _stage(context: Context, declared: Properties) -> Provisioned:
    stage = _within_api(declared) | {"stageName": declared.pop("stageName")}
    serves = take(declared, deployment="deploymentId", documentationVersion="documentationVersion")
    fixed = {"tracingEnabled": declared.pop("xrayTracingEnabled"), "tags": declared.pop("tags", {})}
    if not context.before:
        context.client.create_stage(**stage, **serves, **fixed)
    log = declared.pop("accessLogSettings", {})
    settings = serves | {f"accessLogSettings/{key}": value for key, value in log.items()}
    context.client.update_stage(**stage, patchOperations=_patches(settings, "/"))
    path = "/".join(stage.values())
    arn = f"arn:aws:apigateway:{context.region}::/restapis/{stage['restApiId']}"
    return Provisioned(
        id=f"ags-{path.replace('/', '-')}",
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
    stage = _within_api(declared) | {"stageName": declared.pop("stageName")}
    path = declared.pop("methodPath")
    settings = take(declared["settings"], **_SETTINGS)
    context.client.update_stage(**stage, patchOperations=_patches(settings, f"/{path}/"))
    return Provisioned(
        id="-".join((*stage.values(), path)),
        delete=partial(
            context.client.update_stage,
            **stage,
            patchOperations=[{"op": "remove", "path": f"/{path}"}],
        ),
    )


@provisions("aws:apigateway/apiKey:ApiKey")
def _api_key(context: Context, declared: Properties) -> Provisioned:
    made = context.client.create_api_key(
        name=context.physical_name(declared),
        description=declared.pop("description"),
        enabled=True,
        tags=declared.pop("tags", {}),
    )
    return Provisioned(
        id=made["id"],
        outputs={"value": made["value"]},
        delete=partial(context.client.delete_api_key, apiKey=made["id"]),
    )


@provisions("aws:apigateway/usagePlan:UsagePlan")
def _usage_plan(context: Context, declared: Properties) -> Provisioned:
    stages = [
        {"apiId": stage["apiId"], "stage": stage["stage"]} for stage in declared.pop("apiStages")
    ]
    made = context.client.create_usage_plan(
        name=context.physical_name(declared),
        apiStages=stages,
        throttle=declared.pop("throttleSettings"),
        quota=declared.pop("quotaSettings"),
        tags=declared.pop("tags", {}),
        **take(declared, description="description"),
    )

    def delete() -> None:
        # API Gateway refuses to delete a plan that still has stages.
        removals = [
            {"op": "remove", "path": "/apiStages", "value": f"{stage['apiId']}:{stage['stage']}"}
            for stage in stages
        ]
        context.client.update_usage_plan(usagePlanId=made["id"], patchOperations=removals)
        context.client.delete_usage_plan(usagePlanId=made["id"])

    return Provisioned(id=made["id"], delete=delete)


@provisions("aws:apigateway/usagePlanKey:UsagePlanKey")
def _usage_plan_key(context: Context, declared: Properties) -> Provisioned:
    plan = declared.pop("usagePlanId")
    made = context.client.create_usage_plan_key(
        usagePlanId=plan, keyId=declared.pop("keyId"), keyType=declared.pop("keyType")
    )
    return Provisioned(
        id=made["id"],
        delete=partial(context.client.delete_usage_plan_key, usagePlanId=plan, keyId=made["id"]),
    )
