"""One small translation per resource type: from a declared resource to boto3 calls.

A translation knows the properties that it handles. A type or a property that is not here is an
error that names it, so nothing that the program declares is ever silently left out.
"""

import io
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from local.ministack import MiniStack
from local.program import Properties, Resource

Created = tuple[str, Properties]


class TranslationError(NotImplementedError):
    """A declared type or property that the local run does not know."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a translation works with: the emulator, and the resource's name and logical name."""

    stack: MiniStack
    region: str
    logical_name: str

    def physical_name(self, declared: Properties) -> str:
        """Return the declared name, or one with a random suffix, as Pulumi auto-names."""
        return declared.get("name") or f"{self.logical_name}-{secrets.token_hex(4)[:7]}"


@dataclass(frozen=True, kw_only=True)
class Translation:
    """The properties that `create` handles, and the call that makes the resource."""

    properties: frozenset[str]
    create: Callable[[Context, Properties], Created]


def _pascal(value: Any, rename: Mapping[str, str] | None = None) -> Any:
    """Return Pulumi's camelCase keys as boto3's PascalCase, at every depth."""
    if isinstance(value, dict):
        return {
            (rename or {}).get(k, k[:1].upper() + k[1:]): _pascal(v, rename)
            for k, v in value.items()
        }
    return [_pascal(item, rename) for item in value] if isinstance(value, list) else value


def _tags(declared: Properties) -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in declared.get("tags", {}).items()]


def _table(context: Context, declared: Properties) -> Created:
    client = context.stack.client("dynamodb")
    name = context.physical_name(declared)
    made = client.create_table(
        TableName=name,
        BillingMode=declared["billingMode"],
        KeySchema=[{"AttributeName": declared["hashKey"], "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": a["name"], "AttributeType": a["type"]} for a in declared["attributes"]
        ],
        SSESpecification={"Enabled": declared["serverSideEncryption"]["enabled"]},
        DeletionProtectionEnabled=declared["deletionProtectionEnabled"],
        Tags=_tags(declared),
    )["TableDescription"]
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": declared["pointInTimeRecovery"]["enabled"]
        },
    )
    client.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={
            "Enabled": declared["ttl"]["enabled"],
            "AttributeName": declared["ttl"]["attributeName"],
        },
    )
    return name, {"name": name, "arn": made["TableArn"]}


def _log_group(context: Context, declared: Properties) -> Created:
    client = context.stack.client("logs")
    name = context.physical_name(declared)
    client.create_log_group(logGroupName=name, tags=declared.get("tags", {}))
    client.put_retention_policy(logGroupName=name, retentionInDays=declared["retentionInDays"])
    (group,) = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name, {"name": name, "arn": group["arn"].removesuffix(":*")}


def _role(context: Context, declared: Properties) -> Created:
    name = context.physical_name(declared)
    made = context.stack.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=declared["assumeRolePolicy"],
        Tags=_tags(declared),
    )["Role"]
    return name, {"name": name, "arn": made["Arn"]}


def _role_policy(context: Context, declared: Properties) -> Created:
    name = context.physical_name(declared)
    context.stack.client("iam").put_role_policy(
        RoleName=declared["role"], PolicyName=name, PolicyDocument=declared["policy"]
    )
    return f"{declared['role']}:{name}", {"name": name}


def zip_bytes(archive: pulumi.AssetArchive) -> bytes:
    """Return an archive of files as a zip whose bytes depend on names and contents alone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, asset in sorted(archive.assets.items()):
            if not isinstance(asset, pulumi.FileAsset):
                raise TranslationError(f"{name}: the local run packs files only")
            with open(asset.path, "rb") as source:
                out.writestr(zipfile.ZipInfo(name), source.read(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _function(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    name = context.physical_name(declared)
    settings = {k: v for k, v in declared.items() if k not in {"code", "name", "publish"}}
    made = client.create_function(
        FunctionName=name,
        Code={"ZipFile": zip_bytes(declared["code"])},
        Publish=declared["publish"],
        **{k: v for k, v in _pascal(settings).items() if k not in {"Environment", "Tags"}},
        Environment={"Variables": declared["environment"]["variables"]},
        Tags=declared.get("tags", {}),
    )
    return name, {
        "name": name,
        "arn": made["FunctionArn"],
        "version": made["Version"],
        "qualifiedArn": made["FunctionArn"],
    }


def _alias(context: Context, declared: Properties) -> Created:
    made = context.stack.client("lambda").create_alias(**_pascal(declared))
    invoke = (
        f"arn:aws:apigateway:{context.region}:lambda:path/2015-03-31/functions/"
        f"{made['AliasArn']}/invocations"
    )
    return made["AliasArn"], {"arn": made["AliasArn"], "invokeArn": invoke}


def _permission(context: Context, declared: Properties) -> Created:
    statement = context.physical_name({})
    names = {"function": "FunctionName"}
    context.stack.client("lambda").add_permission(StatementId=statement, **_pascal(declared, names))
    return statement, {"statementId": statement}


def _rest_api(context: Context, declared: Properties) -> Created:
    client = context.stack.client("apigateway")
    made = client.create_rest_api(
        name=context.physical_name(declared),
        endpointConfiguration={"types": [declared["endpointConfiguration"]["types"]]},
        tags=declared.get("tags", {}),
    )
    (root,) = client.get_resources(restApiId=made["id"])["items"]
    arn = f"arn:aws:execute-api:{context.region}:000000000000:{made['id']}"
    return made["id"], {
        "name": made["name"],
        "rootResourceId": root["id"],
        "executionArn": arn,
    }


def _resource(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_resource(
        restApiId=declared["restApi"],
        parentId=declared["parentId"],
        pathPart=declared["pathPart"],
    )
    return made["id"], {"path": made["path"]}


def _method(context: Context, declared: Properties) -> Created:
    context.stack.client("apigateway").put_method(
        restApiId=declared["restApi"],
        resourceId=declared["resourceId"],
        httpMethod=declared["httpMethod"],
        authorizationType=declared["authorization"],
        apiKeyRequired=declared["apiKeyRequired"],
        operationName=declared["operationName"],
        requestParameters=declared["requestParameters"],
        requestValidatorId=declared["requestValidatorId"],
    )
    return f"{declared['restApi']}/{declared['resourceId']}/{declared['httpMethod']}", {}


def _integration(context: Context, declared: Properties) -> Created:
    context.stack.client("apigateway").put_integration(
        restApiId=declared["restApi"],
        resourceId=declared["resourceId"],
        httpMethod=declared["httpMethod"],
        type=declared["type"],
        integrationHttpMethod=declared["integrationHttpMethod"],
        uri=declared["uri"],
    )
    return f"{declared['restApi']}/{declared['resourceId']}/{declared['httpMethod']}", {}


def _method_response(context: Context, declared: Properties) -> Created:
    context.stack.client("apigateway").put_method_response(
        restApiId=declared["restApi"],
        resourceId=declared["resourceId"],
        httpMethod=declared["httpMethod"],
        statusCode=declared["statusCode"],
        responseModels=declared["responseModels"],
    )
    return f"{declared['resourceId']}/{declared['httpMethod']}/{declared['statusCode']}", {}


def _model(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_model(
        restApiId=declared["restApi"],
        name=declared["name"],
        contentType=declared["contentType"],
        schema=declared["schema"],
        **({"description": declared["description"]} if "description" in declared else {}),
    )
    return made["id"], {}


def _request_validator(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_request_validator(
        restApiId=declared["restApi"],
        name=context.physical_name(declared),
        validateRequestParameters=declared["validateRequestParameters"],
        validateRequestBody=declared["validateRequestBody"],
    )
    return made["id"], {}


def _gateway_response(context: Context, declared: Properties) -> Created:
    context.stack.client("apigateway").put_gateway_response(
        restApiId=declared["restApiId"],
        responseType=declared["responseType"],
        statusCode=declared["statusCode"],
        responseParameters=declared["responseParameters"],
        responseTemplates=declared["responseTemplates"],
    )
    return f"aggr-{declared['restApiId']}-{declared['responseType']}", {}


def _deployment(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_deployment(restApiId=declared["restApi"])
    return made["id"], {}


def _stage(context: Context, declared: Properties) -> Created:
    context.stack.client("apigateway").create_stage(
        restApiId=declared["restApi"],
        deploymentId=declared["deployment"],
        stageName=declared["stageName"],
        tracingEnabled=declared["xrayTracingEnabled"],
        tags=declared.get("tags", {}),
    )
    path = f"{declared['restApi']}/{declared['stageName']}"
    return path, {"invokeUrl": f"{context.stack.url}/_aws/execute-api/{path}"}


def _api_key(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_api_key(
        name=context.physical_name(declared),
        description=declared["description"],
        enabled=True,
        tags=declared.get("tags", {}),
    )
    return made["id"], {"value": made["value"]}


def _usage_plan(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_usage_plan(
        name=context.physical_name(declared),
        apiStages=declared["apiStages"],
        throttle=declared["throttleSettings"],
        quota=declared["quotaSettings"],
        tags=declared.get("tags", {}),
    )
    return made["id"], {}


def _usage_plan_key(context: Context, declared: Properties) -> Created:
    made = context.stack.client("apigateway").create_usage_plan_key(
        usagePlanId=declared["usagePlanId"],
        keyId=declared["keyId"],
        keyType=declared["keyType"],
    )
    return made["id"], {}


def _dashboard(context: Context, declared: Properties) -> Created:
    context.stack.client("cloudwatch").put_dashboard(
        DashboardName=declared["dashboardName"], DashboardBody=declared["dashboardBody"]
    )
    return declared["dashboardName"], {}


def _row(call: Callable[[Context, Properties], Created], *properties: str) -> Translation:
    return Translation(properties=frozenset(properties), create=call)


_FUNCTION = (
    *("architectures", "code", "environment", "handler", "loggingConfig", "memorySize", "name"),
    *("publish", "role", "runtime", "tags", "timeout", "tracingConfig"),
)
_TABLE = (
    *("attributes", "billingMode", "deletionProtectionEnabled", "hashKey", "name"),
    *("pointInTimeRecovery", "serverSideEncryption", "tags", "ttl"),
)
_METHOD = ("restApi", "resourceId", "httpMethod")
_REQUEST = ("operationName", "requestParameters", "requestValidatorId")

TRANSLATIONS: Mapping[str, Translation] = {
    "aws:apigateway/apiKey:ApiKey": _row(_api_key, "description", "name", "tags"),
    "aws:apigateway/deployment:Deployment": _row(_deployment, "restApi", "triggers"),
    "aws:apigateway/integration:Integration": _row(
        _integration, *_METHOD, "type", "integrationHttpMethod", "uri"
    ),
    "aws:apigateway/methodResponse:MethodResponse": _row(
        _method_response, *_METHOD, "statusCode", "responseModels"
    ),
    "aws:apigateway/model:Model": _row(
        _model, "restApi", "name", "contentType", "schema", "description"
    ),
    "aws:apigateway/requestValidator:RequestValidator": _row(
        _request_validator, "restApi", "name", "validateRequestParameters", "validateRequestBody"
    ),
    "aws:apigateway/response:Response": _row(
        _gateway_response,
        *("restApiId", "responseType", "statusCode", "responseParameters", "responseTemplates"),
    ),
    "aws:apigateway/method:Method": _row(
        _method, *_METHOD, "authorization", "apiKeyRequired", *_REQUEST
    ),
    "aws:apigateway/resource:Resource": _row(_resource, "restApi", "parentId", "pathPart"),
    "aws:apigateway/restApi:RestApi": _row(_rest_api, "endpointConfiguration", "name", "tags"),
    "aws:apigateway/stage:Stage": _row(
        _stage, "restApi", "deployment", "stageName", "xrayTracingEnabled", "tags"
    ),
    "aws:apigateway/usagePlan:UsagePlan": _row(
        _usage_plan, "name", "apiStages", "throttleSettings", "quotaSettings", "tags"
    ),
    "aws:apigateway/usagePlanKey:UsagePlanKey": _row(
        _usage_plan_key, "usagePlanId", "keyId", "keyType"
    ),
    "aws:cloudwatch/dashboard:Dashboard": _row(_dashboard, "dashboardName", "dashboardBody"),
    "aws:cloudwatch/logGroup:LogGroup": _row(_log_group, "name", "retentionInDays", "tags"),
    "aws:dynamodb/table:Table": _row(_table, *_TABLE),
    "aws:iam/role:Role": _row(_role, "assumeRolePolicy", "name", "tags"),
    "aws:iam/rolePolicy:RolePolicy": _row(_role_policy, "name", "policy", "role"),
    "aws:lambda/alias:Alias": _row(_alias, "functionName", "functionVersion", "name"),
    "aws:lambda/function:Function": _row(_function, *_FUNCTION),
    "aws:lambda/permission:Permission": _row(
        _permission, "action", "function", "principal", "qualifier", "sourceArn"
    ),
}


def create(stack: MiniStack, region: str, resource: Resource) -> Created:
    """Create one declared resource and return its id and outputs.

    Raises TranslationError for a type or a property that no translation handles.
    """
    translation = TRANSLATIONS.get(resource.kind)
    if not translation:
        raise TranslationError(
            f"{resource.kind} ({resource.name}): the local run has no translation for this type"
        )
    unknown = sorted(set(resource.inputs) - translation.properties)
    if unknown:
        raise TranslationError(
            f"{resource.kind} ({resource.name}): the local run does not know {', '.join(unknown)}"
        )
    context = Context(stack=stack, region=region, logical_name=resource.name)
    identity, outputs = translation.create(context, resource.inputs)
    return identity, {**resource.inputs, "region": region, **outputs}
