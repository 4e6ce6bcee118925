"""IAM as AWS applies it, where MiniStack's falls short and a deploy role would notice.

MiniStack evaluates policies, boundaries and sessions. Here it learns which resource some requests
name, the tags of API Gateway's resources, which their children inherit, the condition keys
`iam:PermissionsBoundary` and GitHub's `ref`, the policy variable `${*}`, and what else a request
needs: `iam:PassRole` for a role that it hands to a service, and in API Gateway the right to set
tags for what is created with some, and `SetWebACL` for a stage's firewall.
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

_PARAMETER = "arn:aws:ssm:{region}:{account}:parameter/{name}"

_IDENTITY = "arn:aws:ses:{region}:{account}:identity/{name}"

# Where a request names its resource and MiniStack does not look: service, field and ARN.
_NAMED = (
    ("lambda", "FunctionName", "arn:aws:lambda:{region}:{account}:function:{name}"),
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

_arn = iam_actions.extract_resource_arn
_context = iam_actions.request_tag_context
_tags = tagging.resource_tags
_enforce = iam_evaluator.enforce
_compile = iam_evaluator._fnmatch_compile  # pylint: disable=protected-access
_caller = sts._web_identity_principal  # pylint: disable=protected-access


def _sent(body: bytes) -> Any:
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _value(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _filled(arn: str, name: str, region: str, account: str) -> str:
    if arn == _IDENTITY:
        name = parseaddr(name)[1]
    bare = name.lstrip("/") if arn == _PARAMETER else name
    return arn.format(region=region, account=account, name=bare)


def _resource(*request: Any) -> str:
    """Return the ARN of the resource that a request is about."""
    service, _, _, _, body, params, region, account = request
    if service == "iam" and (role := _value(params, "RoleName")):
        known = iam._roles.get(role)  # pylint: disable=protected-access
        folder = _value(params, "Path") or "/"
        return str(known["Arn"]) if known else f"arn:aws:iam::{account}:role{folder}{role}"
    found = _arn(*request)
    if found != "*":
        return str(found)
    sent = _sent(body)
    for named, key, arn in _NAMED:
        name = sent.get(key) or _value(params, key)
        if named == service and name:
            first = name[0] if isinstance(name, list) else name
            return _filled(arn, first, region, account)
    return "*"


def _conditions(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Return a request's condition keys."""
    keys = dict(_context(service, action, body, params))
    sent = _sent(body)
    if service == "iam":
        role = iam._roles.get(_value(params, "RoleName"))  # pylint: disable=protected-access
        boundary = _value(params, "PermissionsBoundary") or (role or {}).get("PermissionsBoundary")
        return keys | ({"iam:PermissionsBoundary": boundary} if boundary else {})
    if service == "apigateway":
        tags = sent.get("tags", {})
        if isinstance(tags, dict):  # an OpenAPI document's are a list
            keys |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        patches = sent.get("patchOperations") or []
        sent = {"Role": p.get("value") for p in patches if p.get("path") == "/cloudwatchRoleArn"}
    if action == "lambda:CreateEventSourceMapping":
        keys["lambda:FunctionArn"] = sent.get("FunctionName")
    if service == "scheduler":
        sent = {"Role": sent.get("Target", {}).get("RoleArn")}
    if service in _PASSED_TO and sent.get("Role"):
        keys[_PASSED_ROLE] = sent["Role"]
    if service == "wafv2" and sent.get("ResourceArn"):
        keys[_STAGE] = sent["ResourceArn"]
    if service == "ssm" and len(names := sent.get("Names") or []) > 1:
        where = responses.get_region(), responses.get_account_id()
        keys[_OTHER_PARAMETERS] = [_filled(_PARAMETER, name, *where) for name in names[1:]]
    return keys


def _gateway_tags(arn: str) -> dict[str, str] | None:
    """Return a resource's tags; API Gateway's come from the API, key, plan or domain above it."""
    if not arn.startswith("arn:aws:apigateway:"):
        return _tags(arn)  # type: ignore[no-any-return]
    kind, _, rest = arn.split("::/", 1)[1].partition("/")
    if kind == "tags":
        return _gateway_tags(unquote(rest))
    stores = {
        "apikeys": apigateway_v1._api_keys,  # pylint: disable=protected-access
        "domainnames": apigateway_v1._domain_names,  # pylint: disable=protected-access
        "restapis": apigateway_v1._rest_apis,  # pylint: disable=protected-access
        "usageplans": apigateway_v1._usage_plans,  # pylint: disable=protected-access
    }
    parent = stores[kind].get(rest.split("/")[0]) if kind in stores else None
    return dict(parent.get("tags", {})) if parent else None


def _together(
    action: str, region: str, arn: str, context: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return what of API Gateway a request needs besides: ARN and action."""
    if action in {"wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"}:
        stage = context.get(_STAGE)
        return [(stage, "apigateway:SetWebACL")] if stage else []
    if action == "apigateway:POST" and any(key.startswith("aws:RequestTag/") for key in context):
        return [(f"arn:aws:apigateway:{region}::/tags/{quote(arn, '')}%2F*", "apigateway:PUT")]
    return []


@lru_cache(4096)
def _pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """Return a pattern of IAM's; `${*}` in it is an asterisk and nothing else."""
    parts = [_compile(part, ignore_case).pattern[1:-1] for part in pattern.split("${*}")]
    return re.compile(f"^{'[*]'.join(parts)}$", re.IGNORECASE if ignore_case else 0)


def _web_identity(token: str, *request: Any) -> Any:
    """Return the principal of a token and its condition keys."""
    principal, keys = _caller(token, *request)
    claims = cognito._decode_id_token_unverified(token)  # pylint: disable=protected-access
    host = claims["iss"].removeprefix("https://")
    return principal, keys | {f"{host}:ref": claims.get("ref", "")}


def _decide(*request: Any, **resource: Any) -> Any:
    """Return None where a request is allowed, else why not."""
    context = dict(resource.get("service_context") or {})
    identity = str(resource.get("resource_arn")).partition(":event-source-mapping:")[2]
    if mapping := lambda_svc._esms.get(identity):  # pylint: disable=protected-access
        context["lambda:FunctionArn"] = mapping["FunctionArn"]
    role, others = context.pop(_PASSED_ROLE, None), context.pop(_OTHER_PARAMETERS, ())
    refused = _enforce(*request, **{**resource, "service_context": context})
    for other in others:
        refused = refused or _enforce(*request, resource_arn=other, service_context=context)
    access_key, action, service, region = request
    for arn, also in _together(action, region, resource.get("resource_arn", "*"), context):
        refused = refused or _enforce(access_key, also, "apigateway", region, arn, context)
    if refused or not role:
        return refused
    passing = {"iam:PassedToService": _PASSED_TO[service]}
    return _enforce(access_key, "iam:PassRole", "iam", region, role, passing)


def trusts(role_arn: str, service: str) -> bool:
    """Return whether a role exists and lets an AWS service assume it."""
    role = iam._roles.get(role_arn.rpartition("/")[2])  # pylint: disable=protected-access
    trust = json.loads(role["AssumeRolePolicyDocument"]) if role else {"Statement": []}
    matches = iam_evaluator._service_principal_matches  # pylint: disable=protected-access
    return any(matches(one.get("Principal", {}), service) for one in trust["Statement"])


def role_may(role_arn: str, service: str, action: str, resource_arn: str) -> bool:
    """Return whether an AWS service may do this in the name of a role."""
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
    # pylint: disable=protected-access
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return bool(iam_evaluator.evaluate(context, policies, *limits).decision == "Allow")


def install() -> None:
    """Take the place of MiniStack's functions; before the emulator starts."""
    replaced: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
        (iam_actions, "extract_resource_arn", _resource),
        (iam_actions, "request_tag_context", _conditions),
        (tagging, "resource_tags", _gateway_tags),
        (iam_evaluator, "enforce", _decide),
        (iam_evaluator, "_fnmatch_compile", _pattern),
        (sts, "_web_identity_principal", _web_identity),
    )
    for module, name, function in replaced:
        setattr(module, name, function)
