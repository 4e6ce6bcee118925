"""EpochApiKeys: the API keys of an API, and their usage plans."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import pulumi
import pulumi_aws as aws

from components.api import EpochApi

# API Gateway's default quotas for an account and region.
RateLimit = Annotated[float, msgspec.Meta(ge=1, le=10_000)]
BurstLimit = Annotated[int, msgspec.Meta(ge=1, le=5_000)]


class UsagePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of each API key in a tier: requests per second, at once, and per day."""

    rate_limit: RateLimit
    burst_limit: BurstLimit
    quota_per_day: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]


class EpochApiKeys(pulumi.ComponentResource):
    """Usage plans by name, and API keys by name, each in one of the plans.

    `api_keys` maps the name of a key to the name of its plan. `keys` is a secret output: the
    values of the keys by name. `default` is the key of that name, or the first one.
    """

    keys: pulumi.Output[dict[str, str]]
    default: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        api: EpochApi,
        usage_plans: Mapping[str, UsagePlan],
        api_keys: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochApiKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        plans = {
            tier: aws.apigateway.UsagePlan(
                f"{name}-{tier}",
                api_stages=[{"api_id": api.api.id, "stage": api.stage.stage_name}],
                throttle_settings={
                    "rate_limit": plan.rate_limit,
                    "burst_limit": plan.burst_limit,
                },
                quota_settings={"limit": plan.quota_per_day, "period": "DAY"},
                opts=child,
            )
            for tier, plan in usage_plans.items()
        }
        values: dict[str, pulumi.Output[str]] = {}
        for caller, tier in api_keys.items():
            key = aws.apigateway.ApiKey(
                f"{name}-{caller}",
                opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["value"]),
            )
            aws.apigateway.UsagePlanKey(
                f"{name}-{caller}",
                key_id=key.id,
                key_type="API_KEY",
                usage_plan_id=plans[tier].id,
                # A key can have one plan per stage, so Pulumi must delete the former one first.
                opts=pulumi.ResourceOptions(
                    parent=self,
                    delete_before_replace=True,
                    # AWS returns the key's value here, too.
                    additional_secret_outputs=["value"],
                ),
            )
            values[caller] = key.value
        self.keys = pulumi.Output.secret(pulumi.Output.all(**values))
        self.default = self.keys.apply(lambda keys: keys.get("default", keys[min(keys)]))
        self.register_outputs({"keys": self.keys})
