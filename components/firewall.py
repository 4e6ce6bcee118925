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


def _block(**statement: Any) -> dict[str, Any]:
    return {"action": {"block": {}}, "statement": statement}


def _metrics(name: str) -> Any:
    return {
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
        "metric_name": name,
    }


# 8 KB is the part of a body that WAF always inspects.
_BODY_SIZE = {
    "field_to_match": {"body": {"oversize_handling": "MATCH"}},
    "comparison_operator": "GT",
    "size": 8_192,
    "text_transformations": [{"priority": 0, "type": "NONE"}],
}


class EpochFirewall(EpochComponent):
    """A web ACL for the API's stage.

    It limits the requests of one address to `rate_limit` in five minutes (from 10 on), and applies
    AWS's rule groups for addresses of bad reputation and for known bad inputs. If no endpoint
    declares a body, it blocks bodies over 8 KB.
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
        reads_bodies = any(endpoint.body is not None for endpoint in api.endpoints)
        large_bodies = {"body-size": _block(size_constraint_statement=_BODY_SIZE)}
        rules = {
            "rate-limit": _block(rate_based_statement=rate),
            **({} if reads_bodies else large_bodies),
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
        self.register_outputs({"web_acl_arn": firewall.arn})
