"""Callers who may not, or no more, and what they get."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from local.ministack import Credentials, MiniStack
from local.stack import LocalStack
from tools.reliability import ledger

_CALLS = 40


class Row(NamedTuple):
    """Who called, and what came of it."""

    who: str
    finding: ledger.Finding


def _calls(stack: LocalStack, key: str, count: int = _CALLS) -> list[ledger.Call]:
    with ThreadPoolExecutor(8) as callers:
        replies = list(
            callers.map(lambda _: stack.call({} if key else {"x-api-key": ""}, key), range(count))
        )
    return [ledger.Call("", reply.status, reply.body) for reply in replies]


def _row(stack: LocalStack, who: str, ask: Callable[[], list[ledger.Call]], *statuses: int) -> Row:
    """Compare what was asked with what is stored; only these statuses may come, and all do."""
    before = ledger.items(stack)
    found = ledger.compare(ask(), before, ledger.items(stack))
    odd = [f"answered {list(found.statuses)}"] * (set(found.statuses) != set(statuses))
    more = ["recorded all the same"] * (found.stored != found.statuses.get(201, 0))
    return Row(who, found._replace(broken=[*found.broken, *odd, *more]))


@contextmanager
def _key(stack: LocalStack, **plan: Any) -> Iterator[str]:
    """Make an API key in a usage plan of its own; `plan` may name the stage, and bound it."""
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
    _, api, stage, _ = stack.outputs["endpoint"].rsplit("/", 3)
    return {"apiId": api, "stage": stage}


@contextmanager
def _disabled(stack: LocalStack) -> Iterator[None]:
    gateway = stack.emulator.client("apigateway")
    keys = gateway.get_api_keys(includeValues=True)["items"]
    (own,) = [key["id"] for key in keys if key["value"] == stack.outputs["api_key"]]

    def enable(value: str) -> None:
        change = {"op": "replace", "path": "/enabled", "value": value}
        gateway.update_api_key(apiKey=own, patchOperations=[change])

    enable("false")
    try:
        yield
    finally:
        enable("true")


# What somebody with foreign credentials would try.
_TRIES: tuple[Callable[[MiniStack, dict[str, Any]], Any], ...] = (
    lambda who, out: who.client("dynamodb").scan(TableName=out["table_name"]),
    lambda who, out: who.client("dynamodb").delete_table(TableName=out["table_name"]),
    lambda who, out: who.client("lambda").invoke(FunctionName=out["function_name"]),
    lambda who, out: who.client("lambda").get_function(FunctionName=out["function_name"]),
    lambda who, _: who.client("apigateway").get_api_keys(includeValues=True),
    lambda who, out: who.client("logs").filter_log_events(logGroupName=out["log_group"]),
    lambda who, _: who.client("iam").list_roles(),
)

# By which AWS's protocols, some of them with status 400, say that somebody may not.
_REFUSALS = frozenset(
    {"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "UnrecognizedClientException"}
)


def _tried(stack: LocalStack, who: MiniStack) -> list[ledger.Call]:
    found = []
    for attempt in _TRIES:
        try:
            attempt(who, stack.outputs)
            found.append(ledger.Call("", 200, ""))
        except ClientError as error:
            refused = error.response["Error"]["Code"] in _REFUSALS
            found.append(ledger.Call("", 403 if refused else 500, ""))
    return found


def _stranger(stack: LocalStack) -> MiniStack:
    unknown = Credentials("AKIA" + "X" * 16, "x" * 40)
    return MiniStack(stack.emulator.port, stack.emulator.process, "eu-central-1", unknown)


@contextmanager
def _nobody(stack: LocalStack) -> Iterator[MiniStack]:
    """Assume a role of the account that may do nothing."""
    iam, name = stack.emulator.client("iam"), str(uuid.uuid4())
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    try:
        yield stack.emulator.assume_role(role)
    finally:
        iam.delete_role(RoleName=name)


def rows(stack: LocalStack) -> Iterator[Row]:
    """Call as each of those who may not."""
    own = stack.outputs["api_key"]
    yield _row(stack, "no key", lambda: _calls(stack, ""), 403)
    yield _row(stack, "a wrong key", lambda: _calls(stack, f"{own}x"), 403)
    with _disabled(stack):
        yield _row(stack, "a disabled key", lambda: _calls(stack, own), 403)
    yield _row(stack, "the key, enabled again", lambda: _calls(stack, own), 201)
    with _key(stack) as key:
        yield _row(stack, "a key of another stage", lambda: _calls(stack, key), 403)
    here = {"apiStages": [_stage(stack)]}
    with _key(stack, throttle={"rateLimit": 1, "burstLimit": 5}, **here) as key:
        yield _row(stack, "a burst that is exceeded", lambda: _calls(stack, key), 201, 429)
    with _key(stack, quota={"limit": 3, "period": "DAY"}, **here) as key:
        yield _row(stack, "a quota that is exceeded", lambda: _calls(stack, key), 201, 429)
    yield _row(stack, "a stranger, at AWS's own APIs", lambda: _tried(stack, _stranger(stack)), 403)
    with _nobody(stack) as nobody:
        yield _row(stack, "a role without rights, likewise", lambda: _tried(stack, nobody), 403)
