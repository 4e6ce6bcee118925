"""Stack config as one frozen, typed value, checked before any resource exists."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


class ConfigError(ValueError):
    """A config key or value that the stack cannot use: names key, value and range."""


def _within(low: float, high: float) -> dict[str, Any]:
    return {"range": (low, high)}


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """What a stack may set, as `epoch:<name>` in Pulumi.<stack>.yaml; every value has a default.

    The ranges are AWS's own (Lambda quotas, API Gateway account quotas, CloudWatch Logs
    `PutRetentionPolicy`).
    """

    memory_mb: int = field(default=512, metadata=_within(128, 10240))
    # API Gateway waits 29 seconds for an integration.
    timeout_s: int = field(default=10, metadata=_within(1, 29))
    # The usage plan: requests per second, requests at once, requests per day.
    rate_limit: float = field(default=50, metadata=_within(1, 10000))
    burst_limit: int = field(default=100, metadata=_within(1, 5000))
    quota_per_day: int = field(default=1_000_000, metadata=_within(1, 2_147_483_647))
    log_retention_days: int = field(default=30, metadata={"choices": LOG_RETENTION_DAYS})
    protect_data: bool = False
    # Proxies in front that append to X-Forwarded-For, a CDN for example.
    trusted_proxies: int = field(default=0, metadata=_within(0, 10))
    # DynamoDB deletes records after so many days; 0 keeps them.
    retention_days: int = field(default=0, metadata=_within(0, 3650))

    @classmethod
    def read(cls, values: Mapping[str, str], project: str) -> Self:
        """Return the config in Pulumi's raw `project:key` strings.

        Raises ConfigError for a key that the stack does not know, a wrong type or a value
        outside its range.
        """
        known = {item.name: item for item in fields(cls)}
        chosen: dict[str, Any] = {}
        for full_key, raw in values.items():
            namespace, _, key = full_key.partition(":")
            if namespace != project:
                continue
            if key not in known:
                raise ConfigError(
                    f"config key {full_key} = {raw} is unknown; known keys: {', '.join(known)}"
                )
            chosen[key] = _typed(full_key, raw, known[key].type, known[key].metadata)
        return cls(**chosen)


def _typed(key: str, raw: str, kind: Any, rule: Mapping[str, Any]) -> Any:
    try:
        value = json.loads(raw)
    except ValueError:
        value = raw
    allowed = (int, float) if kind is float else (kind,)
    if type(value) not in allowed:
        raise ConfigError(f"config value {key} = {raw} must be of type {kind.__name__}")
    if "range" in rule and not rule["range"][0] <= value <= rule["range"][1]:
        low, high = rule["range"]
        raise ConfigError(f"config value {key} = {raw} must be from {low} to {high}")
    if "choices" in rule and value not in rule["choices"]:
        raise ConfigError(
            f"config value {key} = {raw} must be one of {', '.join(map(str, rule['choices']))}"
        )
    return value
