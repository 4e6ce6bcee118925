"""API keys and usage plans."""

import json

import pytest

from local import pulumi_program, stack_files
from tests.conftest import STACK, declare, one, plain

STACKS = stack_files.stacks()


@pytest.mark.parametrize("stack", STACKS)
def test_the_usage_plan_follows_the_config(stack: str) -> None:
    wanted = {"rate_limit": 7.5, "burst_limit": 8, "quota_per_day": 9}
    given = {"usage_plans": json.dumps({"only": wanted}), "api_keys": '{"default": "only"}'}
    plan = one(declare(stack, **given), "aws:apigateway/usagePlan:UsagePlan")
    assert plan["throttleSettings"] == {
        "rateLimit": wanted["rate_limit"],
        "burstLimit": wanted["burst_limit"],
    }
    assert plan["quotaSettings"] == {"limit": wanted["quota_per_day"], "period": "DAY"}
    assert one(declare(stack), "aws:apigateway/stage:Stage")["stageName"] == stack


@pytest.mark.parametrize(
    ("names", "key"), ((("admin", "default"), "default"), (("visitor", "admin"), "admin"))
)
def test_the_printed_key_is_the_default_one_or_the_first(names: tuple[str, ...], key: str) -> None:
    config = plain(api_keys=json.dumps(dict.fromkeys(names, "basic")))
    outputs = pulumi_program.run(pulumi_program.MockEngine(), stack=STACK, config=config).values
    assert outputs["default_api_key"] == outputs["api_keys"][key]
