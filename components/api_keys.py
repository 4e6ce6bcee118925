"""EpochApiKeys: the API keys of an API, and their usage plans."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import pulumi
import pulumi_aws as aws

from components import limits
from components.api import EpochApi
from components.component import EpochComponent

# API Gateway's default quotas for an account and region.
RateLimit = Annotated[float, msgspec.Meta(ge=1, le=10_000)]
BurstLimit = Annotated[int, msgspec.Meta(ge=1, le=5_000)]


class UsagePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of each API key in a tier: requests per second, at once, and per day."""

    rate_limit: RateLimit
    burst_limit: BurstLimit
    quota_per_day: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]


# API Gateway's 512 characters of a stage variable hold ten pairs of a key's id and its caller.
_KEYS_PER_VARIABLE = 10


class EpochApiKeys(EpochComponent):
    """API keys by name; `add_to` puts each into a usage plan of an API.

    `api_keys` maps the name of a key to the name of its plan. A name ends before `--`: the keys
    `shop` and `shop--2` are those of the caller `shop`. `keys` is a secret output: the values of
    the keys by name. `default` is the key of that name, or the first one. `stage_variables` tell
    the function the caller of each key's id.
    """

    def __init__(
        self, name: str, *, api_keys: Mapping[str, str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        limits.check(
            *("the stack", dict.fromkeys(api_keys, 1), limits.API_KEYS, "API keys"),
            "Use one stack for each group of callers",
        )
        self._name, self._plans = name, api_keys
        self._keys = {
            caller: aws.apigateway.ApiKey(
                f"{name}-{caller}", opts=self.child(additional_secret_outputs=["value"])
            )
            for caller in api_keys
        }
        values = {caller: key.value for caller, key in self._keys.items()}
        self.keys: pulumi.Output[dict[str, str]] = pulumi.Output.secret(pulumi.Output.all(**values))
        self.default = self.keys.apply(lambda keys: keys.get("default", keys[min(keys)]))
        ids = {caller: key.id for caller, key in self._keys.items()}
        self.stage_variables = pulumi.Output.all(**ids).apply(_stage_variables)

    def add_to(self, api: EpochApi, usage_plans: Mapping[str, UsagePlan]) -> None:
        """Put each key into its plan, which limits its calls of the API's stage."""
        name, count = self._name, len(usage_plans)
        limits.check_quota(
            f"{name} has {count} usage plans",
            count,
            "Usage plans per account",
            limits.USAGE_PLANS,
            "give several keys one plan",
        )
        plans = {
            tier: aws.apigateway.UsagePlan(
                f"{name}-{tier}",
                api_stages=[{"api_id": api.api.id, "stage": api.stage.stage_name}],
                throttle_settings={"rate_limit": plan.rate_limit, "burst_limit": plan.burst_limit},
                quota_settings={"limit": plan.quota_per_day, "period": "DAY"},
                opts=self.child(),
            )
            for tier, plan in usage_plans.items()
        }
        for caller, tier in self._plans.items():
            aws.apigateway.UsagePlanKey(
                f"{name}-{caller}",
                key_id=self._keys[caller].id,
                key_type="API_KEY",
                usage_plan_id=plans[tier].id,
                # A key can have one plan per stage, so Pulumi must delete the former one first.
                # AWS returns the key's value here, too.
                opts=self.child(delete_before_replace=True, additional_secret_outputs=["value"]),
            )


def _stage_variables(ids: dict[str, str]) -> dict[str, str]:
    pairs = [f"{ids[name]}={name.partition('--')[0]}" for name in sorted(ids)]
    return {
        f"keys{start}": ",".join(pairs[start : start + _KEYS_PER_VARIABLE])
        for start in range(0, len(pairs), _KEYS_PER_VARIABLE)
    }
