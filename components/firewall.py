"""EpochFirewall: AWS WAF in front of an API."""

from typing import Any

import pulumi
import pulumi_aws as aws

from components.api import EpochApi
from components.component import EpochComponent


def _managed(group: str) -> dict[str, Any]:
    """Return a rule that applies one of AWS's rule groups with the group's own actions."""
    statement = {"managed_rule_group_statement": {"vendor_name": "AWS", "name": group}}
    return {"override_action": {"none": {}}, "statement": statement}


def _metrics(name: str) -> Any:
    return {
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
        "metric_name": name,
    }


class EpochFirewall(EpochComponent):
    """A web ACL for the API's stage.

    It limits the requests of one address to `rate_limit` in five minutes (from 10 on), and applies
    AWS's rule groups for addresses of bad reputation and for known bad inputs.
    """

    def __init__(
        self,
        name: str,
        *,
        api: EpochApi,
        rate_limit: pulumi.Input[int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        rate = {"limit": rate_limit, "aggregate_key_type": "IP"}
        limit = {"action": {"block": {}}, "statement": {"rate_based_statement": rate}}
        rules = {
            "rate-limit": limit,
            "ip-reputation": _managed("AWSManagedRulesAmazonIpReputationList"),
            "known-bad-inputs": _managed("AWSManagedRulesKnownBadInputsRuleSet"),
        }
        firewall = aws.wafv2.WebAcl(
            name,
            scope="REGIONAL",
            default_action=aws.wafv2.WebAclDefaultActionArgs(
                allow=aws.wafv2.WebAclDefaultActionAllowArgs()
            ),
            rules=[
                aws.wafv2.WebAclRuleArgs(
                    name=rule,
                    priority=priority,
                    visibility_config=_metrics(f"{name}-{rule}"),
                    **settings,
                )
                for priority, (rule, settings) in enumerate(rules.items())
            ],
            visibility_config=_metrics(name),
            opts=self.child(),
        )
        aws.wafv2.WebAclAssociation(
            name, resource_arn=api.stage.arn, web_acl_arn=firewall.arn, opts=self.child()
        )
