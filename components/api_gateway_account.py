"""EpochAccount: API Gateway's settings of the account in a region, of which there is one."""

import pulumi
import pulumi_aws as aws

from components.iam.roles import Roles


class EpochAccount(pulumi.ComponentResource):
    """The role by which every REST API of the account and region writes its access logs.

    One stack may own it, by config. It outlives that stack (`retain_on_delete`), since others in
    the account log through it.
    """

    def __init__(
        self,
        name: str,
        *,
        roles: Roles,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochAccount", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        role = roles.assumed_by("apigateway", name, kept)
        policy = aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
            opts=kept,
        )
        aws.apigateway.Account(
            name,
            cloudwatch_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[policy]),
        )
        self.register_outputs({})
