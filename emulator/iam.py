"""Completes MiniStack's authorization, so that a missing permission fails as on AWS.

MiniStack evaluates policies, boundaries and sessions. This module adds:

- the resource of requests that MiniStack authorizes on "*", and the tags of API Gateway's
  resources, which their child resources inherit
- the condition keys `iam:PermissionsBoundary` and GitHub's `ref`, and the policy variable `${*}`
- further permissions: `iam:PassRole` for a role that a request passes to a service, and in API
  Gateway the permission to set the tags of a new resource, and `SetWebACL` for a stage's firewall
"""

import json
import re
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import apigateway_v1, cognito, iam, lambda_svc, sts, tagging

from emulator.patching import Original, wrap

_PARAMETER = "arn:aws:ssm:{region}:{account}:parameter/{name}"

_IDENTITY = "arn:aws:ses:{region}:{account}:identity/{name}"

# By service: a request field that names the resource, and the resource's ARN.
_RESOURCE_FIELDS = (
    ("lambda", "FunctionName", "arn:aws:lambda:{region}:{account}:function:{name}"),
    ("events", "Rule", "arn:aws:events:{region}:{account}:rule/{name}"),
    ("sqs", "QueueName", "arn:aws:sqs:{region}:{account}:{name}"),
    ("monitoring", "AlarmNames", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
    ("monitoring", "DashboardName", "arn:aws:cloudwatch::{account}:dashboard/{name}"),
    ("monitoring", "DashboardNames", "arn:aws:cloudwatch::{account}:dashboard/{name}"),
    ("wafv2", "WebACLArn", "{name}"),
    ("wafv2", "ResourceArn", "{name}"),
    ("ssm", "Path", "arn:aws:ssm:{region}:{account}:parameter{name}"),
    ("ssm", "Names", _PARAMETER),
    ("ses", "Source", _IDENTITY),
    ("ses", "FromEmailAddress", _IDENTITY),
)
_PASSED_TO = {
    "apigateway": "apigateway.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}
_PASSED_ROLE = "local:passed_role"
_OTHER_PARAMETERS = "local:other_parameters"
_STAGE = "local:stage"


def _json_object(body: bytes) -> Any:
    """Return the fields of a JSON body, or {} for any other body."""
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _parameter(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _format_arn(arn: str, name: str, region: str, account: str) -> str:
    if arn == _IDENTITY:
        name = parseaddr(name)[1]
    bare = name.lstrip("/") if arn == _PARAMETER else name
    return arn.format(region=region, account=account, name=bare)


def _resource_arn(original: Callable[..., str], *request: Any) -> str:
    """Return the ARN of a request's resource, or "*"."""
    service, _, _, _, body, params, region, account = request
    if service == "iam" and (role := _parameter(params, "RoleName")):
        existing = iam._roles.get(role)
        path = _parameter(params, "Path") or "/"
        return str(existing["Arn"]) if existing else f"arn:aws:iam::{account}:role{path}{role}"
    found = original(*request)
    if found != "*" and ":event-bus/" not in found:  # MiniStack misses the rule of a target
        return found
    fields = _json_object(body)
    for of_service, key, arn in _RESOURCE_FIELDS:
        name = fields.get(key) or _parameter(params, key)
        if of_service == service and name:
            first = name[0] if isinstance(name, list) else name
            return _format_arn(arn, first, region, account)
    return found


def _request_tags(tags: Any) -> dict[str, str]:
    """Return the condition keys of a request's tags; in an OpenAPI document they are a list."""
    return {f"aws:RequestTag/{key}": tags[key] for key in tags} if isinstance(tags, dict) else {}


def _condition_keys(
    original: Callable[..., dict[str, Any]],
    service: str,
    action: str,
    body: bytes,
    params: dict[str, Any],
) -> dict[str, Any]:
    keys = dict(original(service, action, body, params))
    fields = _json_object(body)
    if service == "iam":
        role = iam._roles.get(_parameter(params, "RoleName"))
        boundary = _parameter(params, "PermissionsBoundary") or (role or {}).get(
            "PermissionsBoundary"
        )
        return keys | ({"iam:PermissionsBoundary": boundary} if boundary else {})
    if service == "apigateway":
        keys |= _request_tags(fields.get("tags"))
        patches = fields.get("patchOperations") or []
        paths = {patch.get("path"): patch.get("value") for patch in patches}
        fields = {"Role": paths.get("/cloudwatchRoleArn")}
    if action == "cognito-idp:CreateUserPool":
        keys |= _request_tags(fields.get("UserPoolTags"))
    if action == "lambda:CreateEventSourceMapping":
        keys["lambda:FunctionArn"] = fields.get("FunctionName")
    if service == "scheduler":
        fields = {"Role": fields.get("Target", {}).get("RoleArn")}
    if service in _PASSED_TO and fields.get("Role"):
        keys[_PASSED_ROLE] = fields["Role"]
    if service == "wafv2" and fields.get("ResourceArn"):
        keys[_STAGE] = fields["ResourceArn"]
    if service == "ssm" and len(names := fields.get("Names") or []) > 1:
        where = responses.get_region(), responses.get_account_id()
        keys[_OTHER_PARAMETERS] = [_format_arn(_PARAMETER, name, *where) for name in names[1:]]
    return keys


def _resource_tags(
    original: Callable[..., dict[str, str] | None], arn: str
) -> dict[str, str] | None:
    """Return the tags of a resource, or of the API, key, plan or domain that contains it."""
    if ":userpool/" in arn:
        return dict(cognito._user_pools.get(arn.rpartition("/")[2], {}).get("UserPoolTags", {}))
    if not arn.startswith("arn:aws:apigateway:"):
        return original(arn)
    kind, _, rest = arn.split("::/", 1)[1].partition("/")
    if kind == "tags":
        return _resource_tags(original, unquote(rest))
    stores = {
        "apikeys": apigateway_v1._api_keys,
        "domainnames": apigateway_v1._domain_names,
        "restapis": apigateway_v1._rest_apis,
        "usageplans": apigateway_v1._usage_plans,
    }
    parent = stores[kind].get(rest.split("/")[0]) if kind in stores else None
    return dict(parent.get("tags", {})) if parent else None


def _further_permissions(
    action: str, region: str, arn: str, context: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return the ARN and action of each further API Gateway permission that a request needs."""
    if action in {"wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"}:
        stage = context.get(_STAGE)
        return [(stage, "apigateway:SetWebACL")] if stage else []
    if action == "apigateway:POST" and any(key.startswith("aws:RequestTag/") for key in context):
        return [(f"arn:aws:apigateway:{region}::/tags/{quote(arn, '')}%2F*", "apigateway:PUT")]
    return []


@lru_cache(4096)
def _compile_pattern(
    original: Callable[..., re.Pattern[str]], pattern: str, ignore_case: bool
) -> re.Pattern[str]:
    """Compile an IAM pattern; `${*}` in it matches only an asterisk."""
    parts = [original(part, ignore_case).pattern[1:-1] for part in pattern.split("${*}")]
    return re.compile(f"^{'[*]'.join(parts)}$", re.IGNORECASE if ignore_case else 0)


def _web_identity(original: Original, token: str, *args: Any) -> Any:
    """Return the principal of a token and its condition keys."""
    principal, keys = original(token, *args)
    claims = cognito._decode_id_token_unverified(token)
    host = claims["iss"].removeprefix("https://")
    return principal, keys | {f"{host}:ref": claims.get("ref", "")}


def _enforce(original: Original, *request: Any, **resource: Any) -> Any:
    """Return None if a request has all its permissions, or the first denial."""
    context = dict(resource.get("service_context") or {})
    identity = str(resource.get("resource_arn")).partition(":event-source-mapping:")[2]
    if mapping := lambda_svc._esms.get(identity):
        context["lambda:FunctionArn"] = mapping["FunctionArn"]
    role, others = context.pop(_PASSED_ROLE, None), context.pop(_OTHER_PARAMETERS, ())
    denial = original(*request, **{**resource, "service_context": context})
    for other in others:
        denial = denial or original(*request, resource_arn=other, service_context=context)
    access_key, action, service, region = request
    for arn, further in _further_permissions(
        action, region, resource.get("resource_arn", "*"), context
    ):
        denial = denial or original(access_key, further, "apigateway", region, arn, context)
    if denial or not role:
        return denial
    passing = {"iam:PassedToService": _PASSED_TO[service]}
    return original(access_key, "iam:PassRole", "iam", region, role, passing)


def trusts(role_arn: str, service: str) -> bool:
    """Check that a role exists and that an AWS service may assume it."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    trust = json.loads(role["AssumeRolePolicyDocument"]) if role else {"Statement": []}
    matches = iam_evaluator._service_principal_matches
    return any(matches(one.get("Principal", {}), service) for one in trust["Statement"])


def role_may(role_arn: str, service: str, action: str, resource_arn: str) -> bool:
    """Check that an AWS service can assume a role, and that the role allows an action."""
    if not trusts(role_arn, service):
        return False
    name, account = role_arn.rpartition("/")[2], role_arn.split(":")[4]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=responses.get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return bool(iam_evaluator.evaluate(context, policies, *limits).decision == "Allow")


def function_may(function: str, action: str, resource_arn: str) -> bool:
    """Check that Lambda can assume a function's role, and that the role allows an action."""
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    role = ((record or {}).get("config") or {}).get("Role", "")
    return role_may(role, "lambda.amazonaws.com", action, resource_arn)


def service_may_invoke(service: str, function: str, source: str) -> bool:
    """Check that a function's policy permits an AWS service to invoke it for a source's ARN."""
    _, _, _, region, account, *_ = function.split(":")
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=region,
        service_context={"aws:sourcearn": source, "aws:sourceaccount": account},
    )
    result = iam_evaluator.evaluate_resource_policy((record or {}).get("policy"), context, service)
    return bool(result.decision == "Allow")


PATCHES = (
    wrap(iam_actions, "extract_resource_arn", _resource_arn),
    wrap(iam_actions, "request_tag_context", _condition_keys),
    wrap(tagging, "resource_tags", _resource_tags),
    wrap(iam_evaluator, "enforce", _enforce),
    wrap(iam_evaluator, "_fnmatch_compile", _compile_pattern),
    wrap(sts, "_web_identity_principal", _web_identity),
)
