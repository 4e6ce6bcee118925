"""RoleFactory: creates IAM roles under one path and boundary."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import policies
from components.naming import check_length


@dataclass(frozen=True, kw_only=True)
class RoleFactory:
    """Creates roles under one IAM path, to which a deployer's policy can be limited.

    `permissions_boundary` is the ARN of the policy that bounds every role, or empty.
    """

    path: str = "/"
    permissions_boundary: str = ""

    def create(self, service: str, name: str, opts: pulumi.ResourceOptions) -> aws.iam.Role:
        """Return a role that an AWS service may assume, for example `lambda`.

        Raises ConfigError for a name that is too long.
        """
        check_length(name)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        return aws.iam.Role(
            name,
            assume_role_policy=policies.document(trust),
            path=self.path,
            permissions_boundary=self.permissions_boundary or None,
            # Policies of former versions are in no state of Pulumi.
            force_detach_policies=True,
            opts=opts,
        )
