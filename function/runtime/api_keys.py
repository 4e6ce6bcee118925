"""Issues API keys of usage plans while the service runs, reads their usage, and deletes them.

A key that the stack's config does not hold belongs to no resource of Pulumi, so no deployment
changes it.
"""

import os
import re
from datetime import date
from typing import NamedTuple

from function.declare.permission import ServicePermission
from function.runtime.service import call

_ALL = "arn:*:apigateway:*::"
# The permissions of an endpoint or a job that calls `issue`, `usage` and `delete`. IAM knows no key
# before it exists, so each holds for all stacks of the account.
_PLANS = ServicePermission("apigateway", f"{_ALL}/usageplans", ("apigateway:GET",))
_CREATE = ServicePermission("apigateway", f"{_ALL}/apikeys", ("apigateway:POST",))
_ADD = ServicePermission("apigateway", f"{_ALL}/usageplans/*/keys", ("apigateway:POST",))
_USAGE = ServicePermission("apigateway", f"{_ALL}/usageplans/*/usage", ("apigateway:GET",))
_DELETE = ServicePermission("apigateway", f"{_ALL}/apikeys/*", ("apigateway:DELETE",))
ISSUE, READ_USAGE, DELETE = (_PLANS, _CREATE, _ADD), (_PLANS, _USAGE), (_DELETE,)


class IssuedKey(NamedTuple):
    """A new API key: the id, by which a request names it, and the value, which nobody can guess.

    Give the value to its caller once, and store only the id.
    """

    id: str
    value: str


def _plan_id(plan: str) -> str:
    """Return the id of a usage plan of this stack; raise LookupError for an unknown one."""
    # Names begin with project and stack, without a hyphen in either, and end with seven digits.
    project, stack, *_ = os.environ["AWS_LAMBDA_FUNCTION_NAME"].split("-")
    name = re.compile(rf"{project}-{stack}-{re.escape(plan)}-[0-9a-f]{{7}}")
    for found in call(_PLANS, "get_usage_plans", limit=500)["items"]:
        if name.fullmatch(found["name"]):
            return str(found["id"])
    raise LookupError(f"the stack has no usage plan {plan!r}; add it to the config usage_plans")


def issue(name: str, plan: str) -> IssuedKey:
    """Create an API key with a name in a usage plan of the stack's config.

    API Gateway refuses it until it has propagated, for some seconds. Raises Problem with 503 if API
    Gateway throttles the calls, which it does beyond five keys a second.
    """
    plan_id = _plan_id(plan)
    key = call(_CREATE, "create_api_key", name=name, enabled=True)
    call(_ADD, "create_usage_plan_key", usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
    return IssuedKey(key["id"], key["value"])


def usage(key_id: str, plan: str, since: date, until: date) -> list[int]:
    """Return the requests of a key on each day of at most 90; API Gateway adds them with delay."""
    found = call(
        _USAGE,
        "get_usage",
        usagePlanId=_plan_id(plan),
        keyId=key_id,
        startDate=since.isoformat(),
        endDate=until.isoformat(),
    )
    return [used for used, _ in found["items"].get(key_id, [])]


def delete(key_id: str) -> None:
    """Delete an API key: API Gateway refuses it after some seconds."""
    call(_DELETE, "delete_api_key", apiKey=key_id)
