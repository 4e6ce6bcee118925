"""EpochApiKeys: who may call the API, and how much."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.api import EpochApi
from components.stack_config import UsagePlan


class EpochApiKeys(pulumi.ComponentResource):
    """A usage plan per tier, and named API keys, each in its tier.

    `api_keys` maps the name of a key to the name of its plan. `keys` is a secret: the keys'
    values by name.
    """

    keys: pulumi.Output[dict[str, str]]

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
                # A key has one plan for a stage: the next one has to wait.
                opts=pulumi.ResourceOptions(
                    parent=self,
                    delete_before_replace=True,
                    # AWS repeats the key's value here.
                    additional_secret_outputs=["value"],
                ),
            )
            values[caller] = key.value
        self.keys = pulumi.Output.secret(pulumi.Output.all(**values))
        self.register_outputs({"keys": self.keys})
