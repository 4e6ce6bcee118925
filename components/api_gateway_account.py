"""EpochApiGatewayAccount: the API Gateway settings that an account has once per region."""

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from components.iam.roles import RoleFactory


class EpochApiGatewayAccount(EpochComponent):
    """The role through which every REST API of the account and region writes its access logs.

    Create it in one stack per account and region. It outlives that stack (`retain_on_delete`),
    since the APIs of other stacks log through it.
    """

    def __init__(
        self,
        name: str,
        *,
        roles: RoleFactory,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        kept = self.child(retain_on_delete=True)
        role = roles.create("apigateway", name, kept)
        policy = aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn=pulumi.Output.format(
                "arn:{0}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
                aws.get_partition_output().partition,
            ),
            opts=kept,
        )
        aws.apigateway.Account(
            name,
            cloudwatch_role_arn=role.arn,
            opts=self.child(retain_on_delete=True, depends_on=[policy]),
        )
