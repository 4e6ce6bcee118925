"""Corrects API keys, throttles and path mappings where MiniStack differs from AWS.

It also returns the usage of a key, which MiniStack counts for the quota of its plan.
"""

from datetime import date
from typing import Any

from ministack.services import apigateway_v1 as gateway

from emulator.patching import Original, wrap


def _create_api_key(original: Original, data: dict[str, Any]) -> Any:
    """Create a key; AWS generates its value if the request has an empty one."""
    return original({name: value for name, value in data.items() if name != "value" or value})


def _update_api_key(original: Original, key_id: str, data: dict[str, Any]) -> Any:
    """Update a key; a patch has its values as text, and MiniStack takes "false" for true."""
    patches = [
        {**patch, "value": patch["value"] == "true"} if patch["path"] == "/enabled" else patch
        for patch in data.get("patchOperations", [])
    ]
    return original(key_id, {**data, "patchOperations": patches})


def _take_token(original: Original, slot: Any, limits: dict[str, Any]) -> bool:
    """Apply a throttle without its limits of -1, which mean "no limit"."""
    set_limits = {
        name: limit for name, limit in limits.items() if limit is None or float(limit) >= 0
    }
    return bool(original(slot, set_limits))


def _usage(plan: str, query: dict[str, Any]) -> Any:
    """Return the usage of a plan's keys on each day; MiniStack keeps that of today."""
    start, end = (date.fromisoformat(gateway._qp(query, name)) for name in ("startDate", "endDate"))
    limit = int(gateway._usage_plans[plan]["quota"]["limit"])
    wanted = gateway._qp(query, "keyId")
    days = (end - start).days + 1
    values = {
        key: [[0, limit]] * (days - 1) + [[used, limit - used]]
        for (of, key), (used, _) in gateway._quota_state.items()
        if of == plan and wanted in (None, key)
    }
    dates = {"startDate": start.isoformat(), "endDate": end.isoformat()}
    return gateway._v1_response({"usagePlanId": plan, **dates, "values": values})


async def _handle_request(original: Original, *request: Any) -> Any:
    method, path, _, _, query = request
    match method, path.strip("/").split("/"):
        case "GET", ["usageplans", plan, "usage"] if plan in gateway._usage_plans:
            return _usage(plan, query)
    return await original(*request)


def _create_base_path_mapping(original: Original, domain_name: str, data: dict[str, Any]) -> Any:
    """Map a path; an empty one, which the AWS provider sends, is the root."""
    return original(domain_name, {**data, "basePath": data.get("basePath") or "(none)"})


PATCHES = (
    wrap(gateway, "handle_request", _handle_request),
    wrap(gateway, "_create_base_path_mapping", _create_base_path_mapping),
    wrap(gateway, "_create_api_key", _create_api_key),
    wrap(gateway, "_update_api_key", _update_api_key),
    wrap(gateway, "_take_token", _take_token),
)
