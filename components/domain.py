"""EpochDomain: a custom domain name for an API."""

import pulumi
import pulumi_aws as aws

from components.api import ENDPOINT, EpochApi
from components.component import EpochComponent
from openapi import gateway


class EpochDomain(EpochComponent):
    """A custom domain name that serves the API's stage at the root path.

    `certificate_arn` is an ACM certificate in the API's region. With `hosted_zone_id` two records
    in that Route 53 zone point to the API, for IPv4 and IPv6. Without it, point your DNS to
    `target`.
    """

    def __init__(
        self,
        name: str,
        *,
        api: EpochApi,
        domain_name: pulumi.Input[str],
        certificate_arn: pulumi.Input[str],
        hosted_zone_id: pulumi.Input[str] = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        domain = aws.apigateway.DomainName(
            name,
            domain_name=domain_name,
            regional_certificate_arn=certificate_arn,
            endpoint_configuration=ENDPOINT,
            security_policy=gateway.SECURITY_POLICY,
            endpoint_access_mode=gateway.ACCESS_MODE,
            opts=self.child(),
        )
        aws.apigateway.BasePathMapping(
            name,
            domain_name=domain.domain_name,
            rest_api=api.api.id,
            stage_name=api.stage.stage_name,
            opts=self.child(),
        )
        records = {"A": name, "AAAA": f"{name}-ipv6"} if hosted_zone_id else {}
        for kind, record in records.items():
            aws.route53.Record(
                record,
                zone_id=hosted_zone_id,
                name=domain_name,
                type=kind,
                aliases=[
                    {
                        "name": domain.regional_domain_name,
                        "zone_id": domain.regional_zone_id,
                        "evaluate_target_health": False,
                    }
                ],
                opts=self.child(),
            )
        self.target = domain.regional_domain_name
        self.url = pulumi.Output.concat("https://", domain.domain_name)
