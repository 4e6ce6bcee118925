"""Stack config as one frozen, typed value, checked before any resource exists."""

import difflib
import importlib.util
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Self

import pulumi
import pulumi_aws as aws

from function.declare import limits
from function.declare.errors import DeclarationError
from function.declare.registry import load_settings
from function.declare.setting import Setting

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

# Lambda's environment holds 4 KB; the rest is for the names of tables and the like.
_MOST_IN_ENVIRONMENT = 3_072

Rule = Callable[[str, Any], Any]


class ConfigError(pulumi.RunError):
    """A config key or value that the stack cannot use: names key, value and range."""


def _refuse(key: str, value: Any, expected: str) -> ConfigError:
    shown = value if isinstance(value, str) else json.dumps(value)
    return ConfigError(f"config value {key} = {shown} must be {expected}")


def _number(low: float, high: float, kind: type[int] | type[float] = int) -> Rule:
    def rule(key: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise _refuse(key, value, f"of type {kind.__name__}, from {low} to {high}")
        if not low <= value <= high:
            raise _refuse(key, value, f"from {low} to {high}")
        return kind(value)

    return rule


def _one_of(values: tuple[int, ...]) -> Rule:
    def rule(key: str, value: Any) -> Any:
        if isinstance(value, bool) or value not in values:
            raise _refuse(key, value, f"one of {', '.join(map(str, values))}")
        return value

    return rule


def _nearest(given: str, known: Iterable[str], otherwise: str) -> str:
    """Return the known word that is most like the given one."""
    return (difflib.get_close_matches(given, list(known), 1) or [otherwise])[0]


def _region(key: str, value: Any) -> str:
    regions = sorted(str(region.value) for region in aws.Region)
    if value not in regions:
        nearest = _nearest(str(value), regions, "us-east-1")
        raise _refuse(key, value, f"a region of AWS; did you mean {nearest}?")
    return str(value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(key, value, "of type bool: true or false")
    return value


def _text(pattern: str, expected: str) -> Rule:
    def rule(key: str, value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _refuse(key, value, expected)
        return value

    return rule


def _list_of(item: Rule) -> Rule:
    def rule(key: str, value: Any) -> Any:
        if not isinstance(value, list):
            raise _refuse(key, value, "a list")
        return tuple(item(f"{key}[{index}]", element) for index, element in enumerate(value))

    return rule


def _map_of(item: Rule) -> Rule:
    def rule(key: str, value: Any) -> Any:
        if not isinstance(value, dict) or not value:
            raise _refuse(key, value, "a mapping with at least one entry")
        named = _text(r"[a-z][a-z0-9-]{0,31}", "named with a-z, 0-9 and '-', at most 32 characters")
        return {named(key, name): item(f"{key}.{name}", element) for name, element in value.items()}

    return rule


def _record(kind: type) -> Rule:
    def rule(key: str, value: Any) -> Any:
        rules = {item.name: item.metadata["rule"] for item in fields(kind)}
        if not isinstance(value, dict) or set(value) != set(rules):
            raise _refuse(key, value, f"a mapping of {', '.join(rules)}")
        return kind(**{name: rules[name](f"{key}.{name}", value[name]) for name in rules})

    return rule


def _setting(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})  # pylint: disable=invalid-field-call


@dataclass(frozen=True, kw_only=True)
class UsagePlan:
    """A tier of callers: what each API key of it may ask for.

    The ranges are API Gateway's default quotas for an account and region.
    """

    # Requests per second, requests at once, requests per day.
    rate_limit: float = _setting(50.0, _number(1, 10_000, float))
    burst_limit: int = _setting(100, _number(1, 5_000))
    quota_per_day: int = _setting(1_000_000, _number(1, 2_147_483_647))


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """What a stage takes: calls per second, and calls at once (API Gateway's token bucket).

    The ranges are API Gateway's default quotas for an account and region.
    """

    rate_limit: float = _setting(None, _number(1, 10_000, float))
    burst_limit: int = _setting(None, _number(1, 5_000))


_STANDARD = {"standard": UsagePlan()}
_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]*:\d{{12}}:{resource}/.+"


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """What a stack may set in Pulumi.<stack>.yaml; every value has a default.

    `settings` and `secrets` are what `function.settings` declares beside: the texts of the
    function's environment by variable, and the secrets' values by name. The ranges are AWS's own
    (Lambda, API Gateway and WAF quotas, CloudWatch Logs' `PutRetentionPolicy`). What is off by
    default is 0, empty or false.
    """

    # A tag on everything: who answers for the stack.
    owner: str = _setting("unknown", _text(r"[\w .:/=+@-]{1,256}", "1 to 256 characters of a tag"))

    # Lambda. API Gateway waits 29 seconds for an integration; the storage may take 7 until it is
    # given up, and a caller is to hear of that.
    memory_mb: int = _setting(512, _number(128, 10_240))
    timeout_s: int = _setting(10, _number(limits.CALL_DEADLINE_S + 1, 29))
    reserved_concurrency: int = _setting(0, _number(0, 100_000))
    provisioned_concurrency: int = _setting(0, _number(0, 100_000))
    snap_start: bool = _setting(False, _flag)
    # The account's Lambda quota "Concurrent executions", against which an alarm measures.
    account_concurrency_limit: int = _setting(1_000, _number(10, 1_000_000))
    # ARN of an IAM policy that bounds every role of the stack.
    permissions_boundary: str = _setting(
        "", _text(_ARN.format(service="iam", resource="policy"), "the ARN of an IAM policy")
    )

    # A KMS key of one's own for tables, log groups, the alarms' topic and the functions'
    # environments; without it AWS encrypts what is stored with keys of its own.
    kms_key_arn: str = _setting(
        "", _text(_ARN.format(service="kms", resource="key"), "the ARN of a KMS key")
    )

    # DynamoDB. Protected data has point-in-time recovery and cannot be deleted, nor can anything of
    # the stack be with `pulumi destroy`.
    protect_data: bool = _setting(False, _flag)
    replica_regions: tuple[str, ...] = _setting((), _list_of(_region))

    # API Gateway. Each named API key belongs to a usage plan.
    usage_plans: Mapping[str, UsagePlan] = field(
        default_factory=lambda: _STANDARD, metadata={"rule": _map_of(_record(UsagePlan))}
    )
    api_keys: Mapping[str, str] = field(
        default_factory=lambda: {"default": "standard"},
        metadata={"rule": _map_of(_text(r".+", "the name of a usage plan"))},
    )
    # All callers of the stage together, with and without a key; by default the sum of the usage
    # plans, one key each.
    stage_throttle: Throttle | None = _setting(None, _record(Throttle))
    # Proxies in front that append to X-Forwarded-For, a CDN for example.
    trusted_proxy_count: int = _setting(0, _number(0, 10))
    # API Gateway has one role for access logs per account and region; one stack owns it.
    manage_api_gateway_account: bool = _setting(False, _flag)
    domain_name: str = _setting(
        "", _text(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a domain name in lower case")
    )
    certificate_arn: str = _setting(
        "",
        _text(_ARN.format(service="acm", resource="certificate"), "the ARN of an ACM certificate"),
    )
    hosted_zone_id: str = _setting("", _text(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 zone"))
    # AWS WAF: requests per five minutes from one address; 0: no WAF.
    waf_rate_limit: int = _setting(0, _number(0, 2_000_000_000))

    # CloudWatch and X-Ray. The share of requests that is traced, after the first of each second;
    # without it the account's default rule holds, which AWS delivers with 0.05.
    log_retention_days: int = _setting(30, _one_of(LOG_RETENTION_DAYS))
    trace_sampling_rate: float | None = _setting(None, _number(0, 1, float))
    # Where docs/operations.md can be read, for the links in alarms.
    runbook_url: str = _setting("docs/operations.md", _text(r"\S+", "an address without spaces"))
    alarm_email: str = _setting("", _text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"))

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def concurrency(self) -> int:
        """How many executions the function may reach at once."""
        return self.reserved_concurrency or self.account_concurrency_limit

    @property
    def effective_throttle(self) -> Throttle:
        """What the stage takes: what each key may take by its plan, together, up to the quotas."""
        plans = [self.usage_plans[plan] for plan in self.api_keys.values()]
        return self.stage_throttle or Throttle(
            rate_limit=min(sum(plan.rate_limit for plan in plans), 10_000),
            burst_limit=min(sum(plan.burst_limit for plan in plans), 5_000),
        )

    @classmethod
    def from_pulumi(cls, values: Mapping[str, str], project: str, secret: Collection[str]) -> Self:
        """Return the config in Pulumi's raw `namespace:key` strings, of which `secret` are secret.

        Raises ConfigError for a key that nobody knows, a wrong type, a value outside its range,
        values that exclude each other, or one that is missing.
        """
        rules = {f.name: f.metadata["rule"] for f in fields(cls) if f.metadata}
        settings = load_settings()
        for name in sorted(rules.keys() & settings.keys()):
            raise DeclarationError(f"function/settings.py: the stack itself has a key {name}")
        own = _own(values, project)
        chosen: dict[str, Any] = {}
        for key, raw in own.items():
            full_key = f"{project}:{key}"
            if key not in rules and key not in settings:
                nearest = _nearest(key, [*rules, *settings], "")
                raise ConfigError(
                    f"config key {full_key} is unknown; "
                    + (f"did you mean {project}:{nearest}? " if nearest else "")
                    + f"Known keys: {', '.join([*rules, *settings])}"
                )
            if key in rules:
                chosen[key] = _checked(rules[key], full_key, raw, full_key in secret)
        environment: dict[str, str] = {}
        secrets: dict[str, str] = {}
        for name, setting in settings.items():
            text = _text_of(setting, f"{project}:{name}", own.get(name), secret)
            target, key = (secrets, name) if setting.secret else (environment, setting.env_var)
            target[key] = text
        texts = [*environment, *environment.values()]
        if (size := sum(len(text.encode()) for text in texts)) > _MOST_IN_ENVIRONMENT:
            raise ConfigError(
                f"the settings have {size} bytes; Lambda has room for {_MOST_IN_ENVIRONMENT}"
            )
        try:
            return cls(**chosen, settings=environment, secrets=secrets)
        except ConfigError as error:
            raise ConfigError(str(error).replace("{project}", project)) from None

    def __post_init__(self) -> None:
        for key, plan in self.api_keys.items():
            if plan not in self.usage_plans:
                raise ConfigError(
                    f"config value {{project}}:api_keys.{key} = {plan} must be one of the usage "
                    f"plans: {', '.join(self.usage_plans)}"
                )
        conflicts = (
            (self.snap_start and self.provisioned_concurrency, "snap_start excludes "
             "provisioned_concurrency: Lambda has one or the other"),
            (0 < self.reserved_concurrency < self.provisioned_concurrency,
             "provisioned_concurrency must not exceed reserved_concurrency"),
            (bool(self.domain_name) != bool(self.certificate_arn),
             "domain_name and certificate_arn need each other"),
            (self.hosted_zone_id and not self.domain_name, "hosted_zone_id needs domain_name"),
            (self.kms_key_arn and self.replica_regions,
             "kms_key_arn excludes replica_regions: a replica needs a key in its own region"),
            (len({*self.replica_regions}) < len(self.replica_regions),
             "replica_regions names a region twice"),
            (0 < self.waf_rate_limit < 10, "waf_rate_limit must be 0 or at least 10"),
        )  # fmt: skip
        for broken, rule in conflicts:
            if broken:
                raise ConfigError(f"config of {rule}")


def _own(values: Mapping[str, str], project: str) -> dict[str, str]:
    """Return the project's config without its namespace; raise ConfigError for a namespace that
    is neither the project's nor a provider's, as nothing would read it."""
    own: dict[str, str] = {}
    for full_key, raw in values.items():
        namespace, _, key = full_key.partition(":")
        if namespace == project:
            own[key] = raw
        elif namespace != "pulumi" and not importlib.util.find_spec(
            f"pulumi_{namespace.replace('-', '_')}"
        ):
            nearest = _nearest(namespace, [project, "aws", "pulumi"], project)
            raise ConfigError(
                f"config key {full_key}: {namespace} is neither this project ({project}) nor a "
                f"provider; did you mean {nearest}:{key}?"
            )
    if region := values.get("aws:region"):
        _region("aws:region", region)
    return own


def _checked(rule: Rule, key: str, raw: str, hidden: bool) -> Any:
    with suppress(ConfigError):
        return rule(key, raw)  # a text, which may look like a number
    try:
        return rule(key, _parsed(raw))
    except ConfigError as error:
        if not hidden:
            raise
        expected = str(error).partition(" must be ")[2]
        raise ConfigError(f"config value {key} = [secret] must be {expected}") from None


_TYPES: Mapping[type, Callable[[Setting[Any]], Rule]] = {
    bool: lambda _: _flag,
    int: lambda s: _number(_or(s.minimum, -math.inf), _or(s.maximum, math.inf)),
    float: lambda s: _number(_or(s.minimum, -math.inf), _or(s.maximum, math.inf), float),
}


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def _text_of(setting: Setting[Any], key: str, raw: str | None, secret: Collection[str]) -> str:
    """Return a setting's value as text."""
    if raw is None and setting.default is None:
        raise ConfigError(
            f"config key {key} is missing ({setting.description.rstrip('.')}); set it by: pulumi "
            f"config set {'--secret ' if setting.secret else ''}{key}, or for the local run in "
            f"{'secrets' if setting.secret else 'Pulumi'}.<stack>.yaml: {setting.name}: …"
        )
    if raw is not None and setting.secret != (key in secret):
        raise ConfigError(
            f"config key {key} is a secret in clear; do: pulumi config set --secret {key}"
            if setting.secret
            else f"config key {key} is encrypted, but no secret in function/settings.py"
        )
    if setting.type is str:
        return str(setting.default if raw is None else raw)
    if raw is None:
        return json.dumps(setting.default)
    return json.dumps(_TYPES[setting.type](setting)(key, _parsed(raw)))


def _parsed(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
