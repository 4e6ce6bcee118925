"""The stack's config: its errors name the key, the value and the range."""

import pytest

from components.stack_config import ConfigError, StackConfig
from local import stack_files
from tests.conftest import declare, one, plain

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance

PROJECT = stack_files.project_name()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    (
        ("memory_mb", "64", ":memory_mb = 64: Expected `int` >= 128"),
        ("memory_mb", "much", ":memory_mb = much: Expected `int`, got `str`"),
        ("timeout_s", "7", ":timeout_s = 7: Expected `int` >= 8"),
        ("memory_mb", "true", ":memory_mb = true: Expected `int`, got `bool`"),
        (
            "log_retention_days",
            "8",
            ":log_retention_days = 8: Expected a value of docs/configuration.md",
        ),
        ("protect_data", "1", ":protect_data = 1: Expected `bool`"),
        ("memory", "512", ":memory of stack .* is unknown; did you mean .*:memory_mb.$"),
        ("trace_sampling_rate", "1.5", ":trace_sampling_rate = 1.5: Expected `float` <= 1.0"),
        ("alarm_email", "nobody", ":alarm_email = nobody: Expected an e-mail address"),
        ("replica_regions", '["moon"]', "moon must be a region of AWS"),
        ("replica_regions", "us-east-1", ":replica_regions = us-east-1: Expected `array`"),
        ("certificate_arn", "arn:aws:iam::1:x", "x: Expected the ARN of an ACM certificate"),
        ("usage_plans", "{}", ":usage_plans = {}: Expected `object` of length >= 1"),
        ("usage_plans", '{"a": {"rate_limit": 1}}', "Object missing required field `burst_limit`"),
        (
            "usage_plans",
            '{"a": {"rate_limit": 0, "burst_limit": 1, "quota_per_day": 1}}',
            r": Expected `float` >= 1.0 - at `\$\[...\].rate_limit`",
        ),
        ("api_keys", '{"A b": "standard"}', "api_keys = {.*}: Expected a name of a-z"),
        ("api_keys", '{"a": "{}"}', ":api_keys.a = {} must be one of the usage plans: basic"),
        ("replica_regions", '["eu-west-1", "eu-west-1"]', "replica_regions names a region twice"),
        ("kms_key_arn", "alias/mine", ":kms_key_arn = alias/mine: Expected the ARN of a KMS key"),
        ("hosted_zone_id", "Z1", "hosted_zone_id needs domain_name"),
        ("domain_name", "api.example.com", "domain_name needs certificate_arn"),
        (
            "stage_throttle",
            '{"rate_limit": 1, "burst_limit": 1, "burst": 1}',
            ":stage_throttle = .*: Object contains an unknown field",
        ),
        (
            "vpc_subnets",
            '["sn-1"]',
            r":vpc_subnets = .*: Expected the id of a subnet - at `\$\[0\]`",
        ),
        ("vpc_subnets", '["subnet-1"]', "vpc_subnets needs vpc_security_groups"),
        ("vpc_security_groups", '["sg-1"]', "vpc_security_groups needs vpc_subnets"),
        ("waf_rate_limit", "9", "waf_rate_limit must be 0 or at least 10"),
        ("job_concurrency", '{"nothing": 3}', "concurrency.nothing: no such job; known jobs: "),
        ("disable_default_endpoint", "true", "disable_default_endpoint needs domain_name"),
        ("runbook_url", "https://example.com/#/runbook", "an address without spaces and '#'"),
        ("runbook_url", "two words", "an address without spaces and '#'"),
    ),
)
def test_a_config_error_names_key_value_and_range(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config = plain()
        secret = [given for given, text in config.items() if isinstance(text, stack_files.Secret)]
        StackConfig.from_pulumi(config | {f"{PROJECT}:{key}": value}, PROJECT, "stage", secret)


@pytest.mark.parametrize(
    ("key", "other", "says"),
    (
        ("waf_rate_limit", "trusted_proxy_count", "callers behind a proxy as one"),
        ("permissions_boundary", "manage_api_gateway_account", "run `pulumi -C bootstrap up`"),
        ("kms_key_arn", "replica_regions", "a replica needs a key in its own region"),
        ("alarm_email", "alarm_topic_arn", "subscribe the address to your topic"),
        ("snap_start", "provisioned_concurrency", "Lambda has one or the other"),
    ),
)
def test_keys_that_exclude_each_other_are_refused_with_the_reason(
    key: str, other: str, says: str
) -> None:
    values = {
        "alarm_email": "on-call@example.com",
        "alarm_topic_arn": "arn:aws:sns:eu-central-1:111122223333:pager",
        "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/1",
        "manage_api_gateway_account": "true",
        "permissions_boundary": "arn:aws-us-gov:iam::111122223333:policy/x",
        "provisioned_concurrency": "1",
        "replica_regions": '["eu-west-1"]',
        "snap_start": "true",
        "trusted_proxy_count": "1",
        "waf_rate_limit": "100",
    }
    with pytest.raises(ConfigError, match=f"{key} excludes {other}: .*{says}"):
        declare(**{name: values[name] for name in (key, other)})


def test_a_text_may_look_like_a_number() -> None:
    assert one(declare(owner="4711"), "aws:apigateway/restApi:RestApi")["tags"]["owner"] == "4711"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    (
        (
            "old-name:owner",
            "a",
            f"old-name is neither this project .{PROJECT}. nor a provider; correct",
        ),
        ("asw:region", "eu-west-1", "asw is neither"),
        ("aws:region", "eu-centrl-1", "must be a region of AWS"),
    ),
)
def test_what_nobody_would_read_is_an_error(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        StackConfig.from_pulumi({key: value}, PROJECT, "stage", ())
