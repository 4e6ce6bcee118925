"""The typed config of a stack: one key per line, with its range, effect and default.

`StackConfig.from_pulumi` checks the values before any resource exists.
"""

import contextlib
import difflib
import importlib.util
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_type_hints

import msgspec
import pulumi_aws as aws
from msgspec import Meta, Struct, field

from components.api_keys import BurstLimit, RateLimit, UsagePlan
from components.errors import ConfigError
from function.declare import job_registry, limits, registry
from function.declare.errors import DeclarationError
from function.declare.setting import Setting

_EXPECTED: dict[str, str] = {}  # the texts that errors show instead of patterns


def _text(pattern: str, expected: str, description: str | None = None) -> Meta:
    """Describe a text that matches `pattern`; errors and documentation say `expected`."""
    pattern = rf"^({pattern})\Z"
    _EXPECTED[pattern] = expected
    return Meta(pattern=pattern, description=description, extra={"expected": expected})


def _arn(service: str, resource: str | None, expected: str, description: str) -> Meta:
    name = f"{resource}/.+" if resource else "[^:/]+"
    pattern = rf"arn:aws[a-z-]*:{service}:[a-z0-9-]*:\d{{12}}:{name}"
    return _text(pattern, f"the ARN of {expected}", description)


_NAMED = "a name of a-z, 0-9 and '-', at most 32 characters"
_Name = Annotated[str, _text(r"[a-z][a-z0-9-]{0,31}", _NAMED)]
_PlanName = Annotated[str, _text(".+", "the name of a usage plan")]
_Subnet = Annotated[str, _text("subnet-[0-9a-f]+", "the id of a subnet")]
_SecurityGroup = Annotated[str, _text("sg-[0-9a-f]+", "the id of a security group")]
_Concurrency = Annotated[int, Meta(ge=1, le=100_000)]
# fmt: off
_Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
]
# fmt: on
_STANDARD = {"standard": UsagePlan(rate_limit=50, burst_limit=100, quota_per_day=1_000_000)}


class Throttle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limit of a stage over all callers: calls per second, and calls at once."""

    rate_limit: RateLimit
    burst_limit: BurstLimit


class Rollout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first step of a deployment: a percentage of the invocations, for some minutes."""

    percent: Annotated[int, Meta(ge=1, le=50)]
    # The alarms on errors look at five minutes, and the deploy job ends before its session.
    minutes: Annotated[int, Meta(ge=5, le=25)]


class StackKeys(Struct, frozen=True, kw_only=True):
    """The keys of Pulumi.<stack>.yaml. 0, an empty value or false turns a feature off.

    The ranges are AWS's own: the quotas of Lambda, API Gateway and WAF, and CloudWatch Logs'
    retention periods.
    """

    # fmt: off
    owner: Annotated[str, _text(r"[\w .:/=+@-]{1,256}", "1 to 256 characters of a tag",
        "The team responsible for the stack: a tag on every resource.")] = "unknown"
    memory_mb: Annotated[int, Meta(ge=128, le=10_240, description=
        "Memory of the API's function in MB; its share of CPU grows with it.")] = 512
    # API Gateway waits 29 seconds. The function needs a second more than an AWS call may take, to
    # answer with a 503.
    timeout_s: Annotated[int, Meta(ge=limits.CALL_DEADLINE_S + 1, le=29, description=
        "Time limit of the API's function in seconds.")] = 10
    reserved_concurrency: Annotated[int, Meta(ge=0, le=100_000, description=
        "Concurrent executions reserved for the API's function, which also limit it.")] = 0
    provisioned_concurrency: Annotated[int, Meta(ge=0, le=100_000, description=
        "Execution environments that AWS keeps warm, for a fee.")] = 0
    snap_start: Annotated[bool, Meta(description=
        "Start the function from a snapshot. Excludes provisioned_concurrency.")] = False
    account_concurrency_limit: Annotated[int, Meta(ge=10, le=1_000_000, description=
        "The account's Lambda quota 'Concurrent executions', which an alarm uses.")] = 1_000
    permissions_boundary: Annotated[str, _arn("iam", "policy", "an IAM policy",
        "The policy that bounds every role of the stack.")] = ""
    kms_key_arn: Annotated[str, _arn("kms", "key", "a KMS key",
        "Your key for tables, secrets, log groups, the alarm topic and the functions' variables. "
        "Without it AWS encrypts them with its own keys.")] = ""
    protect_data: Annotated[bool, Meta(description=
        "Protect the data: no deletion of a table, queue, bucket or secret, no `pulumi destroy`, "
        "and point-in-time recovery of the tables.")] = False
    recovery_period_days: Annotated[int, Meta(ge=1, le=35, description=
        "Days to which you can restore a table with protect_data.")] = 35
    backup_days: Annotated[int, Meta(ge=0, le=36_500, description=
        "Days that AWS Backup keeps a daily backup of each table; 0: no backup plan.")] = 0
    max_read_units: Annotated[int, Meta(ge=0, le=1_000_000_000, description=
        "Limit of the read request units per second of each table and index; 0: AWS's quota.")] = 0
    max_write_units: Annotated[int, Meta(ge=0, le=1_000_000_000, description=
        "Limit of the write request units per second of each table and index; 0: AWS's quota.",
        )] = 0
    job_concurrency: Annotated[dict[str, _Concurrency], Meta(description=
        "Concurrent executions reserved for jobs by name, which also limit each of them.",
        )] = field(default_factory=dict)
    monthly_budget_usd: Annotated[int, Meta(ge=0, le=100_000_000, description=
        "Monthly cost in US dollars of the resources with the stack's tags; alarms at 80 % and at "
        "a forecast of 100 %. 0: no budget.")] = 0
    replica_regions: Annotated[tuple[str, ...], Meta(description=
        "Regions that hold a replica of every table.")] = ()
    vpc_subnets: Annotated[tuple[_Subnet, ...], Meta(description=
        "Private subnets of your VPC, in which the API's function and jobs run.")] = ()
    vpc_security_groups: Annotated[tuple[_SecurityGroup, ...], Meta(max_length=5, description=
        "Security groups of the functions in vpc_subnets.")] = ()
    usage_plans: Annotated[dict[_Name, UsagePlan], Meta(min_length=1, description=
        "Tiers of callers by name, with the limits of each API key.",
        )] = field(default_factory=lambda: _STANDARD)
    api_keys: Annotated[dict[_Name, _PlanName], Meta(min_length=1, description=
        "API keys by name, with the usage plan of each.",
        )] = field(default_factory=lambda: {"default": "standard"})
    stage_throttle: Annotated[Throttle | None, Meta(description=
        "The limit of all callers together, with and without a key. By default the sum of the "
        "keys' usage plans, up to API Gateway's quotas.")] = None
    rollout: Annotated[Rollout | None, Meta(description=
        "Gradual rollout: the percent of the invocations that a new version gets for some minutes "
        "before it gets all. `make verify-deploy` moves the aliases, back if an alarm fires.",
        )] = None
    trusted_proxy_count: Annotated[int, Meta(ge=0, le=10, description=
        "Proxies in front of the API, such as a CDN, that append to X-Forwarded-For.")] = 0
    manage_api_gateway_account: Annotated[bool, Meta(description=
        "Set API Gateway's role for access logs, which an account has once per region, so one "
        "stack per account and region may set it.")] = False
    domain_name: Annotated[str, _text(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}",
        "a domain name in lower case", "A custom domain name of the API.")] = ""
    certificate_arn: Annotated[str, _arn("acm", "certificate", "an ACM certificate",
        "The certificate of domain_name, in the stack's region.")] = ""
    hosted_zone_id: Annotated[str, _text(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 zone",
        "The zone that gets a record of domain_name.")] = ""
    disable_default_endpoint: Annotated[bool, Meta(description=
        "Serve the API under domain_name only, not under its execute-api address.")] = False
    import_again: Annotated[bool, Meta(description=
        "After a failed import of the API document, change this value, true or false, to import "
        "the same document again.")] = False
    waf_rate_limit: Annotated[int, Meta(ge=0, le=2_000_000_000, description=
        "AWS WAF's limit of requests from one address in five minutes, at least 10. 0: no WAF.",
        )] = 0
    log_retention_days: Annotated[_Retention, Meta(description=
        "Days that CloudWatch keeps logs.")] = 30
    trace_sampling_rate: Annotated[Annotated[float, Meta(ge=0, le=1)] | None, Meta(description=
        "Share of requests that X-Ray traces, after the first of each second. By default the "
        "account's default rule decides, which AWS creates with 0.05.")] = None
    runbook_url: Annotated[str, _text(r"[^\s#]+", "an address without spaces and '#'",
        "The address of docs/operations.md, to which alarms link.")] = "docs/operations.md"
    alarm_email: Annotated[str, _text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address",
        "The address that gets the alarms, once it confirms the subscription.")] = ""
    alarm_topic_arn: Annotated[str, _arn("sns", None, "an SNS topic",
        "An existing topic that gets the alarms, for example of a chat or a pager. Its policy must "
        "let cloudwatch.amazonaws.com publish. Excludes alarm_email.")] = ""
    # fmt: on


# Keys of which a stack may set one, with the reason.
_EXCLUSIVE = (
    ("snap_start", "provisioned_concurrency", "Lambda has one or the other"),
    ("kms_key_arn", "replica_regions", "a replica needs a key in its own region"),
    ("alarm_email", "alarm_topic_arn", "subscribe the address to your topic"),
    (
        "waf_rate_limit",
        "trusted_proxy_count",
        "WAF would count all callers behind a proxy as one address; limit addresses at the proxy",
    ),
    (
        "permissions_boundary",
        "manage_api_gateway_account",
        "the boundary denies its role the access logs; run `pulumi -C bootstrap up`, which "
        "declares this role",
    ),
)
# Keys that have no effect without another.
_NEEDS = (
    ("vpc_subnets", "vpc_security_groups"),
    ("vpc_security_groups", "vpc_subnets"),
    ("domain_name", "certificate_arn"),
    ("certificate_arn", "domain_name"),
    ("hosted_zone_id", "domain_name"),
    ("disable_default_endpoint", "domain_name"),
)


class StackConfig(StackKeys, frozen=True, kw_only=True):
    """The config of a stack, with the values of the settings in function/settings.py.

    `settings` maps environment variables to values, `secrets` maps names to values.
    """

    settings: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"  # secrets never appear in a traceback

    @property
    def concurrency(self) -> int:
        """The maximum number of concurrent executions of the API's function."""
        return self.reserved_concurrency or self.account_concurrency_limit

    @property
    def effective_throttle(self) -> Throttle:
        """The stage's limit: `stage_throttle`, or the sum of all keys' plans up to the quotas."""
        plans = [self.usage_plans[plan] for plan in self.api_keys.values()]
        return self.stage_throttle or Throttle(
            rate_limit=min(sum(plan.rate_limit for plan in plans), 10_000),
            burst_limit=min(sum(plan.burst_limit for plan in plans), 5_000),
        )

    @classmethod
    def from_pulumi(
        cls, values: Mapping[str, str], project: str, stack: str, secret: Collection[str]
    ) -> Self:
        """Return the config of a stack in Pulumi's raw `namespace:key` strings.

        `secret` names the keys with a secret value. Raises ConfigError for an unknown or missing
        key, a wrong type, a value outside its range, and values that exclude each other.
        """
        keys, settings = get_type_hints(StackKeys, include_extras=True), registry.load_settings()
        for name in sorted(keys.keys() & settings.keys()):
            raise DeclarationError(f"function/settings.py: the stack itself has a key {name}")
        own = _own(values, project)
        known = [*keys, *settings]
        for key in own.keys() - {*known}:
            hint = f"known keys: {', '.join(known)}"
            for near in difflib.get_close_matches(key, known, 1):
                hint = f"did you mean {project}:{near}?"
            raise ConfigError(f"config key {project}:{key} of stack {stack} is unknown; {hint}")
        given = {
            key: _read(kind, f"{project}:{key}", own[key], f"{project}:{key}" in secret)
            for key, kind in keys.items()
            if key in own
        }
        texts = {
            name: _text_of(setting, f"{project}:{name}", own.get(name), stack, secret)
            for name, setting in settings.items()
        }
        config = cls(
            **given,
            settings={one.env_var: texts[n] for n, one in settings.items() if not one.secret},
            secrets={name: texts[name] for name, one in settings.items() if one.secret},
        )
        for error in config._errors(project):
            raise ConfigError(error)
        return config

    def _errors(self, project: str) -> Iterator[str]:
        """Return the errors of values that contradict each other."""
        for key, plan in self.api_keys.items():
            if plan not in self.usage_plans:
                yield (
                    f"config value {project}:api_keys.{key} = {plan} must be one of the usage "
                    f"plans: {', '.join(self.usage_plans)}"
                )
        for index, region in enumerate(self.replica_regions):
            _check_region(f"{project}:replica_regions[{index}]", region)
        for job in sorted(self.job_concurrency.keys() - (jobs := job_registry.load_jobs()).keys()):
            yield (
                f"config value {project}:job_concurrency.{job}: no such job; known jobs: "
                f"{', '.join(jobs) or 'none'}"
            )
        for key, other, reason in _EXCLUSIVE:
            if getattr(self, key) and getattr(self, other):
                yield f"config of {key} excludes {other}: {reason}"
        for key, other in _NEEDS:
            if getattr(self, key) and not getattr(self, other):
                yield f"config of {key} needs {other}"
        if 0 < self.reserved_concurrency < self.provisioned_concurrency:
            yield "config of provisioned_concurrency must not exceed reserved_concurrency"
        if len({*self.replica_regions}) < len(self.replica_regions):
            yield "config of replica_regions names a region twice"
        if 0 < self.waf_rate_limit < 10:
            yield "config of waf_rate_limit must be 0 or at least 10"


def _check_region(key: str, value: str) -> None:
    if value not in {region.value for region in aws.Region}:
        raise ConfigError(f"config value {key} = {value} must be a region of AWS")


def _own(values: Mapping[str, str], project: str) -> dict[str, str]:
    """Return the project's config without its namespace.

    Raises ConfigError for a namespace of neither the project nor a provider: nothing reads it.
    """
    own: dict[str, str] = {}
    for full_key, raw in values.items():
        namespace, _, key = full_key.partition(":")
        if namespace == project:
            own[key] = raw
        elif namespace != "pulumi" and not importlib.util.find_spec(
            f"pulumi_{namespace.replace('-', '_')}"
        ):
            raise ConfigError(
                f"config key {full_key}: {namespace} is neither this project ({project}) nor a "
                "provider; correct the part before the colon"
            )
    if region := values.get("aws:region"):
        _check_region("aws:region", region)
    return own


def _read(kind: Any, key: str, raw: str, is_secret: bool) -> Any:
    """Return the value of a key as its type. Raises ConfigError, which shows no secret value."""
    value: Any = raw
    if get_args(kind)[0] is not str:
        with contextlib.suppress(msgspec.DecodeError):  # an unquoted text
            value = msgspec.json.decode(raw.encode())
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        says = str(error)
        # msgspec shows a part of the value in these two.
        says = re.sub(
            "(?s)Invalid enum value .*", "Expected a value of docs/configuration.md", says
        )
        says = re.sub("(?s)contains unknown field .*", "contains an unknown field", says)
        for pattern, expected in _EXPECTED.items():
            says = says.replace(f"`str` matching regex {pattern!r}", expected)
        shown = "[secret]" if is_secret else raw
        raise ConfigError(f"config value {key} = {shown}: {says}") from None


def _text_of(
    setting: Setting[Any], key: str, raw: str | None, stack: str, secret: Collection[str]
) -> str:
    """Return a setting's value, or its default, as text."""
    hidden = setting.secret
    if raw is None and setting.default is None:
        raise ConfigError(
            f"config key {key} of stack {stack} is missing ({setting.description.rstrip('.')}); "
            f"set it by: pulumi config set --stack {stack} {'--secret ' if hidden else ''}{key}, "
            f"or {'for the local run alone' if hidden else 'by a line'} in "
            f"{'secrets' if hidden else 'Pulumi'}.{stack}.yaml: {setting.name}: …"
        )
    if raw is not None and hidden != (key in secret):
        raise ConfigError(
            f"config key {key} is a secret in clear; do: pulumi config set --secret {key}"
            if hidden
            else f"config key {key} is encrypted, but no secret in function/settings.py"
        )
    if setting.type is str:
        return str(setting.default if raw is None else raw)
    bounds = Meta(ge=setting.minimum, le=setting.maximum)
    if raw is None:
        return json.dumps(setting.default)
    return json.dumps(_read(Annotated[setting.type, bounds], key, raw, is_secret=False))
