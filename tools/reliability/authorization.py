"""Requests without permission, and the responses to them."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from local.local_stack import LocalStack
from local.ministack import Credentials, MiniStack
from tools.reliability import consistency

_CALLS = 40


def assume_role(emulator: MiniStack, role_arn: str, token: str = "") -> MiniStack:
    """Return the emulator with clients that act as a role.

    The emulator's own client assumes the role, or with `token` a web identity does.
    """
    role, sts = {"RoleArn": role_arn, "RoleSessionName": "local"}, emulator.client("sts")
    if token:
        # The emulator requires a signature on this call; AWS and botocore do not.
        signed = "choose-signer.sts.AssumeRoleWithWebIdentity"
        sts.meta.events.register_first(signed, lambda **_: "v4")
        found = sts.assume_role_with_web_identity(**role, WebIdentityToken=token)["Credentials"]
    else:
        found = sts.assume_role(**role)["Credentials"]
    keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return MiniStack(emulator.port, emulator.process, emulator.region, keys, emulator.issuer)


class Row(NamedTuple):
    """A caller, and the comparison of its requests with the stored items."""

    who: str
    finding: consistency.Finding


def _calls(stack: LocalStack, key: str, count: int = _CALLS) -> list[consistency.Call]:
    with ThreadPoolExecutor(8) as callers:
        replies = list(
            callers.map(lambda _: stack.call({} if key else {"x-api-key": ""}, key), range(count))
        )
    return [consistency.Call("", reply.status, reply.body) for reply in replies]


def _row(
    stack: LocalStack, who: str, ask: Callable[[], list[consistency.Call]], *statuses: int
) -> Row:
    """Send requests and compare; the responses must have exactly these statuses."""
    before = consistency.items(stack)
    found = consistency.compare(ask(), before, consistency.items(stack))
    odd = [f"returned {list(found.statuses)}"] * (set(found.statuses) != set(statuses))
    more = ["stored without a 201"] * (found.stored != found.statuses.get(201, 0))
    return Row(who, found._replace(violations=[*found.violations, *odd, *more]))


@contextmanager
def _key(stack: LocalStack, **plan: Any) -> Iterator[str]:
    """Create an API key in a usage plan of its own with the settings of `plan`."""
    gateway = stack.emulator.client("apigateway")
    key = gateway.create_api_key(name=str(uuid.uuid4()), enabled=True)
    made = gateway.create_usage_plan(name=str(uuid.uuid4()), **plan)["id"]
    gateway.create_usage_plan_key(usagePlanId=made, keyId=key["id"], keyType="API_KEY")
    try:
        yield key["value"]
    finally:
        gateway.delete_api_key(apiKey=key["id"])
        gateway.delete_usage_plan(usagePlanId=made)


def _stage(stack: LocalStack) -> dict[str, str]:
    _, api, stage, _ = stack.outputs["sample_url"].rsplit("/", 3)
    return {"apiId": api, "stage": stage}


@contextmanager
def _disabled(stack: LocalStack) -> Iterator[None]:
    gateway = stack.emulator.client("apigateway")
    keys = gateway.get_api_keys(includeValues=True)["items"]
    (own,) = [key["id"] for key in keys if key["value"] == stack.outputs["default_api_key"]]

    def enable(value: str) -> None:
        change = {"op": "replace", "path": "/enabled", "value": value}
        gateway.update_api_key(apiKey=own, patchOperations=[change])

    enable("false")
    try:
        yield
    finally:
        enable("true")


# Calls that foreign credentials must not be able to make.
_CALLS_TO_AWS: tuple[Callable[[MiniStack, dict[str, Any]], Any], ...] = (
    lambda who, out: who.client("dynamodb").scan(TableName=out["table_name"]),
    lambda who, out: who.client("dynamodb").delete_table(TableName=out["table_name"]),
    lambda who, out: who.client("lambda").invoke(FunctionName=out["function_name"]),
    lambda who, out: who.client("lambda").get_function(FunctionName=out["function_name"]),
    lambda who, _: who.client("apigateway").get_api_keys(includeValues=True),
    lambda who, out: who.client("logs").filter_log_events(logGroupName=out["function_log_group"]),
    lambda who, _: who.client("iam").list_roles(),
)

# AWS's error codes for denied calls; some protocols use status 400.
_REFUSALS = frozenset(
    {"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "UnrecognizedClientException"}
)


def _call_aws(stack: LocalStack, who: MiniStack) -> list[consistency.Call]:
    found = []
    for attempt in _CALLS_TO_AWS:
        try:
            attempt(who, stack.outputs)
            found.append(consistency.Call("", 200, ""))
        except ClientError as error:
            refused = error.response["Error"]["Code"] in _REFUSALS
            found.append(consistency.Call("", 403 if refused else 500, ""))
    return found


def _stranger(stack: LocalStack) -> MiniStack:
    unknown = Credentials("AKIA" + "X" * 16, "x" * 40)
    return MiniStack(stack.emulator.port, stack.emulator.process, "eu-central-1", unknown)


@contextmanager
def _role_without_permissions(stack: LocalStack) -> Iterator[MiniStack]:
    """Assume a role of the account without permissions."""
    iam, name = stack.emulator.client("iam"), str(uuid.uuid4())
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    try:
        yield assume_role(stack.emulator, role)
    finally:
        iam.delete_role(RoleName=name)


def rows(stack: LocalStack) -> Iterator[Row]:
    """Send requests as each caller without permission."""
    own = stack.outputs["default_api_key"]
    yield _row(stack, "no key", lambda: _calls(stack, ""), 403)
    yield _row(stack, "a wrong key", lambda: _calls(stack, f"{own}x"), 403)
    with _disabled(stack):
        yield _row(stack, "a disabled key", lambda: _calls(stack, own), 403)
    yield _row(stack, "the key, re-enabled", lambda: _calls(stack, own), 201)
    with _key(stack) as key:
        yield _row(stack, "a key of another stage", lambda: _calls(stack, key), 403)
    here = {"apiStages": [_stage(stack)]}
    with _key(stack, throttle={"rateLimit": 1, "burstLimit": 5}, **here) as key:
        yield _row(stack, "an exceeded burst limit", lambda: _calls(stack, key), 201, 429)
    with _key(stack, quota={"limit": 3, "period": "DAY"}, **here) as key:
        yield _row(stack, "an exceeded quota", lambda: _calls(stack, key), 201, 429)
    yield _row(
        stack, "unknown credentials, calling AWS", lambda: _call_aws(stack, _stranger(stack)), 403
    )
    with _role_without_permissions(stack) as nobody:
        yield _row(
            stack, "a role without permissions, calling AWS", lambda: _call_aws(stack, nobody), 403
        )
