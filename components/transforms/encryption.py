"""Your own KMS key for all data that a program stores."""

from collections.abc import Mapping
from typing import Any

import pulumi


def _properties(key_arn: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the properties that set the key, by resource type."""
    return {
        "aws:cloudwatch/logGroup:LogGroup": {"kms_key_id": key_arn},
        "aws:dynamodb/table:Table": {
            "server_side_encryption": {"enabled": True, "kms_key_arn": key_arn}
        },
        "aws:lambda/function:Function": {"kms_key_arn": key_arn},
        "aws:secretsmanager/secret:Secret": {"kms_key_id": key_arn},
        "aws:sns/topic:Topic": {"kms_master_key_id": key_arn},
    }


def apply_kms_key(key_arn: str) -> None:
    """Encrypt the tables, secrets, log groups, topics and functions declared from now on.

    The key's policy must let the stack's roles, CloudWatch Logs and CloudWatch's alarms use it, as
    the policies of `bootstrap` do. Queues keep SQS's own key, so senders need no access to yours.
    """
    properties = _properties(key_arn)

    def encrypted(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in properties:
            return None
        props = {**args.props, **properties[args.type_]}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(encrypted)
