"""RoleFactory: how every IAM role of a stack is made."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class RoleFactory:
    """Makes roles under one IAM path, so that a deployer can be kept to it.

    `permissions_boundary` is the ARN of a policy beyond which none of them can go, or empty.
    """

    path: str
    permissions_boundary: str = ""

    def create(self, service: str, name: str, opts: pulumi.ResourceOptions) -> aws.iam.Role:
        """Return a role for an AWS service, for example `lambda`."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        return aws.iam.Role(
            name,
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            path=self.path,
            permissions_boundary=self.permissions_boundary or None,
            opts=opts,
        )
