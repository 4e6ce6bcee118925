"""Your own KMS key for all data that a program stores."""

from typing import Any

from components.transforms import transform_resources


def apply_kms_key(key_arn: str) -> None:
    """Encrypt the tables, secrets, log groups, topics and functions declared from now on.

    The key's policy must let the stack's roles, CloudWatch Logs and CloudWatch's alarms use it, as
    the policies of `bootstrap` do. Queues keep SQS's own key, so senders need no access to yours.
    """
    by_kind: dict[str, dict[str, Any]] = {
        "aws:cloudwatch/logGroup:LogGroup": {"kms_key_id": key_arn},
        "aws:dynamodb/table:Table": {
            "server_side_encryption": {"enabled": True, "kms_key_arn": key_arn}
        },
        "aws:lambda/function:Function": {"kms_key_arn": key_arn},
        "aws:secretsmanager/secret:Secret": {"kms_key_id": key_arn},
        "aws:sns/topic:Topic": {"kms_master_key_id": key_arn},
    }
    transform_resources(lambda kind, _, props: props | by_kind.get(kind, {}))
