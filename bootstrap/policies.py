"""The policies of the deploy role, the preview role and the stack's own roles, as data.

The names of a stack's resources start with its prefix (`components.naming`), and its roles have the
path `/<project>/<stack>/`. Where AWS assigns ids instead of names, a grant requires the tags
`project` and `stack`. Where AWS supports neither, `why` justifies the wildcard.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from function.declare.permission import ServicePermission

# IAM quotas: characters of a managed policy without white space; managed policies of a role.
POLICY_SIZE = 6144
POLICIES_PER_ROLE = 10

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on resources. A preview reads; a deployment reads and writes.

    `resources` and `condition` may contain `{region}`, `{account}`, `{project}`, `{stack}`,
    `{name}` (the prefix of the stack's names), `{rule}` (its sampling rule) and `{boundary}` (the
    ARN of its permissions boundary). The grant applies only where the config has the setting or
    the stack's option `requires`. `effect` is IAM's: a denial overrides every other grant.
    """

    why: str
    resources: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    condition: Condition = field(default_factory=dict)
    requires: str = ""
    effect: str = "Allow"


_TABLES = "arn:aws:dynamodb:*:{account}:table/{name}-*"
_FUNCTIONS = "arn:aws:lambda:{region}:{account}:function:{name}-*"
_QUEUES = "arn:aws:sqs:{region}:{account}:{name}-*"
_BUCKETS = "arn:aws:s3:::{bucket}-*"
_SECRETS = "arn:aws:secretsmanager:{region}:{account}:secret:{name}-*"  # pragma: allowlist secret
_ROLES = "arn:aws:iam::{account}:role/{project}/{stack}/*"
_LOGS = "arn:aws:logs:{region}:{account}:log-group:{name}-*"
_GATEWAY = "arn:aws:apigateway:{region}::"
_TAGGED: Condition = {
    "StringEquals": {"aws:ResourceTag/project": "{project}", "aws:ResourceTag/stack": "{stack}"}
}
_KEYS = "arn:aws:kms:{region}:{account}:key/*"
_THROUGH: Condition = {
    "StringLike": {
        "kms:ViaService": (
            "dynamodb.*.amazonaws.com",
            "lambda.*.amazonaws.com",
            "secretsmanager.*.amazonaws.com",
        )
    }
}
_TAGGING: Condition = {
    "StringEquals": {"aws:RequestTag/project": "{project}", "aws:RequestTag/stack": "{stack}"}
}
# API Gateway's resources with their own tags, which their children inherit.
_OWNERS = ("restapis", "apikeys", "usageplans", "domainnames")
_TAGS_OF = _GATEWAY + "/tags/arn%3Aaws%3Aapigateway%3A{region}%3A%3A%2F"

GRANTS: tuple[Grant, ...] = (
    Grant(
        why="tables, in every region because of replicas",
        resources=(_TABLES,),
        reads=("dynamodb:Describe*", "dynamodb:ListTagsOfResource"),
        writes=(
            *("dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable"),
            *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"),
            *("dynamodb:TagResource", "dynamodb:UntagResource"),
        ),
    ),
    Grant(
        why="replicas: AWS copies the items with the permissions of the caller who adds one",
        requires="replicas",
        resources=(_TABLES,),
        writes=(
            *("dynamodb:CreateTableReplica", "dynamodb:DeleteTableReplica"),
            *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"),
        ),
    ),
    Grant(
        why="AWS's own key for DynamoDB, which the provider looks up for every replica",
        requires="replicas",
        resources=("arn:aws:kms:*:{account}:key/*",),
        reads=("kms:DescribeKey",),
        condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/dynamodb"}},
    ),
    Grant(
        why="the service-linked roles of DynamoDB replication and API Gateway domains; AWS "
        "defines their policies",
        resources=(
            "arn:aws:iam::{account}:role/aws-service-role/replication.dynamodb.amazonaws.com/*",
            "arn:aws:iam::{account}:role/aws-service-role/ops.apigateway.amazonaws.com/*",
        ),
        writes=("iam:CreateServiceLinkedRole",),
    ),
    Grant(
        why="functions with their versions and aliases",
        resources=(_FUNCTIONS,),
        reads=("lambda:Get*", "lambda:List*"),
        writes=(
            *("lambda:CreateFunction", "lambda:DeleteFunction", "lambda:PublishVersion"),
            *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
            *("lambda:CreateAlias", "lambda:UpdateAlias", "lambda:DeleteAlias"),
            *("lambda:AddPermission", "lambda:RemovePermission"),
            "lambda:PutFunctionEventInvokeConfig",
            *("lambda:UpdateFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig"),
            *("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"),
            "lambda:PutProvisionedConcurrencyConfig",
            "lambda:DeleteProvisionedConcurrencyConfig",
            *("lambda:TagResource", "lambda:UntagResource"),
        ),
    ),
    Grant(
        why="secrets; a preview cannot read their values",
        resources=(_SECRETS,),
        reads=("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"),
        writes=(
            *("secretsmanager:CreateSecret", "secretsmanager:UpdateSecret"),
            *("secretsmanager:DeleteSecret", "secretsmanager:RestoreSecret"),
            *("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
            *("secretsmanager:UpdateSecretVersionStage", "secretsmanager:ListSecretVersionIds"),
            *("secretsmanager:TagResource", "secretsmanager:UntagResource"),
        ),
    ),
    Grant(
        why="log groups",
        resources=(_LOGS,),
        reads=("logs:DescribeMetricFilters", "logs:ListTagsForResource", "logs:ListTagsLogGroup"),
        writes=(
            *("logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy"),
            *("logs:DeleteRetentionPolicy", "logs:PutMetricFilter", "logs:DeleteMetricFilter"),
            *("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
            *("logs:TagResource", "logs:UntagResource"),
        ),
    ),
    Grant(
        why="list and describe actions that support no resource but the account",
        resources=("*",),
        reads=(
            *("cloudwatch:DescribeAlarms", "dynamodb:ListTables", "logs:DescribeLogGroups"),
            *("sns:GetSubscriptionAttributes", "xray:GetSamplingRules"),
        ),
    ),
    Grant(
        why="roles under the stack's path",
        resources=(_ROLES,),
        reads=("iam:Get*", "iam:List*"),
        writes=(
            *("iam:DeleteRole", "iam:UpdateRole", "iam:UpdateRoleDescription"),
            *("iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole"),
        ),
    ),
    Grant(
        why="role policies, only with the boundary, which this role cannot change",
        resources=(_ROLES,),
        writes=(
            *("iam:CreateRole", "iam:PutRolePermissionsBoundary"),
            *("iam:PutRolePolicy", "iam:DeleteRolePolicy"),
        ),
        condition={"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
    ),
    Grant(
        why="the boundary's document, in which a preview looks up the declared services",
        resources=("{boundary}",),
        reads=("iam:GetPolicy", "iam:GetPolicyVersion"),
    ),
    Grant(
        why="the stack's own roles, for the services that assume them",
        resources=(_ROLES,),
        writes=("iam:PassRole",),
        condition={
            "StringEquals": {
                "iam:PassedToService": ("lambda.amazonaws.com", "scheduler.amazonaws.com")
            }
        },
    ),
    Grant(
        why="API Gateway assigns ids, so a new resource must carry the stack's tags",
        resources=tuple(f"{_GATEWAY}/{kind}" for kind in _OWNERS),
        writes=("apigateway:POST",),
        condition=_TAGGING,
    ),
    Grant(
        why="resources with the stack's tags, and their children, which inherit them",
        resources=tuple(f"{_GATEWAY}/{kind}/*" for kind in _OWNERS),
        reads=("apigateway:GET",),
        writes=(
            *("apigateway:POST", "apigateway:PUT", "apigateway:PATCH", "apigateway:DELETE"),
            "apigateway:SetWebACL",
        ),
        condition=_TAGGED,
    ),
    Grant(
        why="the certificate of a domain name: these actions support no condition keys",
        resources=(_GATEWAY + "/domainnames", _GATEWAY + "/domainnames/*"),
        writes=("apigateway:AddCertificateToDomain", "apigateway:RemoveCertificateFromDomain"),
    ),
    Grant(
        why="tags at creation: AWS checks them on an ARN with an asterisk instead of the future "
        "id. `${*}` is a literal asterisk, so it matches no existing id",
        resources=tuple(f"{_TAGS_OF}{kind}%2F${{*}}" for kind in _OWNERS),
        writes=("apigateway:PUT",),
        condition=_TAGGING,
    ),
    Grant(
        why="tags of the stack's resources; a stage without tags inherits its API's",
        resources=(_GATEWAY + "/tags/*",),
        reads=("apigateway:GET",),
        writes=("apigateway:PUT", "apigateway:DELETE"),
        condition=_TAGGED,
    ),
    Grant(
        why="alarms",
        resources=("arn:aws:cloudwatch:{region}:{account}:alarm:{name}-*",),
        reads=("cloudwatch:ListTagsForResource",),
        writes=(
            *("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
            *("cloudwatch:EnableAlarmActions", "cloudwatch:DisableAlarmActions"),
            *("cloudwatch:TagResource", "cloudwatch:UntagResource"),
        ),
    ),
    Grant(
        why="composite alarms: the action supports no resource",
        resources=("*",),
        writes=("cloudwatch:PutCompositeAlarm",),
    ),
    Grant(
        why="dashboards, whose ARN has no region",
        resources=("arn:aws:cloudwatch::{account}:dashboard/{name}",),
        reads=("cloudwatch:GetDashboard",),
        writes=("cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    ),
    Grant(
        why="topics and their subscriptions",
        resources=("arn:aws:sns:{region}:{account}:{name}-*",),
        reads=("sns:GetTopicAttributes", "sns:List*"),
        writes=(
            *("sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe"),
            *("sns:TagResource", "sns:UntagResource"),
        ),
    ),
    Grant(
        why="subscriptions: these actions support no resource",
        resources=("*",),
        writes=("sns:Unsubscribe", "sns:SetSubscriptionAttributes"),
    ),
    Grant(
        why="use of the stack's key, which this program creates and tags, through the services "
        "that encrypt with it; no change of the key",
        resources=(_KEYS,),
        reads=("kms:DescribeKey", "kms:Decrypt"),
        writes=("kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"),
        condition={**_TAGGED, **_THROUGH},
    ),
    Grant(
        why="grants on the key, by which DynamoDB and Lambda keep access",
        resources=(_KEYS,),
        writes=("kms:CreateGrant",),
        condition={**_TAGGED, **_THROUGH, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
    Grant(
        why="web ACLs",
        resources=("arn:aws:wafv2:{region}:{account}:regional/webacl/{name}-*/*",),
        reads=("wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:ListTagsForResource"),
        writes=(
            *("wafv2:CreateWebACL", "wafv2:UpdateWebACL", "wafv2:DeleteWebACL"),
            *("wafv2:AssociateWebACL", "wafv2:TagResource", "wafv2:UntagResource"),
        ),
    ),
    Grant(
        why="AWS's rule groups, which AWS checks when the stack's web ACL changes",
        resources=("arn:aws:wafv2:{region}:{account}:regional/managedruleset/*/*",),
        writes=("wafv2:CreateWebACL", "wafv2:UpdateWebACL"),
    ),
    Grant(
        why="the association with a stage, which has an id and supports no tag condition in WAF; "
        "AWS also requires apigateway:SetWebACL, which this role has only on the stack's stage",
        resources=(_GATEWAY + "/restapis/*/stages/{stack}",),
        reads=("wafv2:GetWebACLForResource",),
        writes=("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"),
    ),
    Grant(
        why="sampling rules",
        resources=("arn:aws:xray:{region}:{account}:sampling-rule/{rule}",),
        reads=("xray:ListTagsForResource",),
        writes=(
            *("xray:CreateSamplingRule", "xray:UpdateSamplingRule", "xray:DeleteSamplingRule"),
            *("xray:TagResource", "xray:UntagResource"),
        ),
    ),
    Grant(
        why="queues and dead-letter queues",
        resources=(_QUEUES,),
        reads=("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"),
        writes=(
            *("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes"),
            *("sqs:TagQueue", "sqs:UntagQueue"),
        ),
    ),
    Grant(
        why="buckets, but not their objects",
        resources=(_BUCKETS,),
        reads=("s3:GetBucket*", "s3:Get*Configuration", "s3:ListBucket"),
        writes=(
            *("s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging"),
            *("s3:PutBucketPublicAccessBlock", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
            *("s3:PutLifecycleConfiguration", "s3:PutBucketNotification"),
        ),
    ),
    Grant(
        why="schedules",
        resources=("arn:aws:scheduler:{region}:{account}:schedule/default/{name}-*",),
        reads=("scheduler:GetSchedule",),
        writes=(
            *("scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"),
        ),
    ),
    Grant(
        why="event source mappings, which have an id, and none before creation; the condition "
        "limits them to the stack's functions",
        resources=("*",),
        reads=("lambda:GetEventSourceMapping",),
        writes=(
            *("lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping"),
            "lambda:DeleteEventSourceMapping",
        ),
        condition={"ArnLike": {"lambda:FunctionArn": _FUNCTIONS}},
    ),
    Grant(
        why="tags of event source mappings, which AWS sets at creation",
        resources=("arn:aws:lambda:{region}:{account}:event-source-mapping:*",),
        reads=("lambda:ListTags",),
        writes=("lambda:TagResource", "lambda:UntagResource"),
        condition={"StringEqualsIfExists": _TAGGED["StringEquals"]},
    ),
    Grant(
        why="the DNS record of a domain name",
        requires="zone_id",
        resources=("arn:aws:route53:::hostedzone/{zone_id}",),
        reads=("route53:GetHostedZone", "route53:ListResourceRecordSets"),
        writes=("route53:ChangeResourceRecordSets",),
    ),
    Grant(
        why="the status of a DNS change, which has an id",
        requires="zone_id",
        resources=("arn:aws:route53:::change/*",),
        reads=("route53:GetChange",),
    ),
    Grant(
        why="the state bucket: its list of objects",
        requires="state_bucket",
        resources=("arn:aws:s3:::{state_bucket}",),
        reads=("s3:ListBucket", "s3:GetBucketLocation"),
    ),
    Grant(
        why="the state bucket: the version of its layout",
        requires="state_bucket",
        resources=("arn:aws:s3:::{state_bucket}/.pulumi/meta.yaml",),
        reads=("s3:GetObject",),
    ),
    Grant(
        why="the stack's state, history, backups and locks",
        requires="state_bucket",
        resources=(
            "arn:aws:s3:::{state_bucket}/.pulumi/*/{project}/{stack}/*",
            "arn:aws:s3:::{state_bucket}/.pulumi/*/{project}/{stack}.*",
        ),
        reads=("s3:GetObject",),
        writes=("s3:PutObject", "s3:DeleteObject"),
    ),
    Grant(
        why="the secrets in the state",
        requires="state_key",
        resources=("{state_key}",),
        reads=("kms:Decrypt", "kms:DescribeKey"),
        writes=("kms:Encrypt", "kms:GenerateDataKey"),
    ),
)

# API Gateway returns a key's value with the key and with its entry in a usage plan, so a preview
# must read neither.
PREVIEW_DENIES: tuple[Grant, ...] = (
    Grant(
        why="the values of API keys",
        effect="Deny",
        resources=(
            *(f"{_GATEWAY}/apikeys", f"{_GATEWAY}/apikeys/*"),
            f"{_GATEWAY}/usageplans/*/keys*",
        ),
        reads=("apigateway:GET",),
    ),
)

# The limit of every role of a stack, whatever policy a deployment attaches to it.
BOUNDARY: tuple[Grant, ...] = (
    Grant(
        why="items of the stack's tables and indexes",
        resources=(_TABLES,),
        writes=("dynamodb:*Item", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan"),
    ),
    Grant(
        why="streams of the stack's tables, for jobs",
        resources=(_TABLES,),
        writes=(
            *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
            "dynamodb:ListStreams",
        ),
    ),
    Grant(
        why="messages of the stack's queues",
        resources=(_QUEUES,),
        writes=(
            *("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
            "sqs:GetQueueAttributes",
        ),
    ),
    Grant(
        why="objects of the stack's buckets",
        resources=(f"{_BUCKETS}/*",),
        writes=("s3:*Object*",),
    ),
    Grant(
        why="the stack's functions, for schedules",
        resources=(_FUNCTIONS,),
        writes=("lambda:InvokeFunction",),
    ),
    Grant(
        why="the stack's key, which AWS uses with the caller's permissions for tables and secrets",
        resources=("arn:aws:kms:*:{account}:key/*",),
        writes=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        condition={
            **_TAGGED,
            "StringLike": {
                "kms:ViaService": ("dynamodb.*.amazonaws.com", "secretsmanager.*.amazonaws.com")
            },
        },
    ),
    Grant(
        why="the stack's secrets",
        resources=(_SECRETS,),
        writes=("secretsmanager:GetSecretValue",),
    ),
    Grant(
        why="the stack's logs",
        resources=(_LOGS,),
        writes=("logs:CreateLogStream", "logs:PutLogEvents"),
    ),
    Grant(
        why="traces: the actions support no resource",
        resources=("*",),
        writes=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    ),
)


def boundary(
    services: Iterable[ServicePermission], settings: Mapping[str, str]
) -> tuple[Grant, ...]:
    """Return the boundary of a stack with these services.

    `settings` maps environment variables to the stack's values.
    """
    declared = sorted({(service.arn(settings), service.actions) for service in services})
    return BOUNDARY + tuple(
        Grant(why="a declared Service", resources=(arn,), writes=actions)
        for arn, actions in declared
    )


def trust(*, provider: str, repository: str, environment: str) -> str:
    """Return the trust policy that lets jobs of one GitHub environment assume a role.

    The jobs must run from main. The policy does not depend on the environment's protection rules.
    """
    issuer = "token.actions.githubusercontent.com"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:{repository}:environment:{environment}",
                f"{issuer}:ref": "refs/heads/main",
            }
        },
    }
    return _document([statement])


def key_policy(*, account: str, region: str, roles: str) -> dict[str, Any]:
    """Return the policy of a stack's KMS key.

    The account's IAM policies control the key. The stack's `roles` (a pattern of ARNs) use it for
    tables and secrets, CloudWatch's alarms for a topic, and CloudWatch Logs for log groups.
    """
    logs = f"arn:aws:logs:{region}:{account}:log-group:*"
    statements: list[dict[str, Any]] = [
        # In a key policy "*" means the key itself. Without this statement nobody could manage it.
        {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*"},
        {
            "Principal": {"AWS": "*"},
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": roles},
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": [
                        f"{service}.{region}.amazonaws.com"
                        for service in ("dynamodb", "secretsmanager")
                    ],
                },
            },
        },
        {
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
            "Action": [
                *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"),
                "kms:DescribeKey",
            ],
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        },
    ]
    allowed = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
    return {"Version": "2012-10-17", "Statement": allowed}


def documents(grants: Iterable[Grant], names: Mapping[str, str], *, write: bool) -> list[str]:
    """Return the grants as policy documents, each within IAM's size of a managed policy.

    `names` holds the values of the placeholders. Without `write` the documents grant reads only.
    """
    packed: list[list[dict[str, Any]]] = [[]]
    for statement in _statements(grants, names, write):
        if len(_document([*packed[-1], statement])) > POLICY_SIZE:
            packed.append([])
        packed[-1].append(statement)
    return [_document(statements) for statements in packed]


def _statements(
    grants: Iterable[Grant], names: Mapping[str, str], write: bool
) -> Iterable[dict[str, Any]]:
    for grant in grants:
        actions = grant.reads + (grant.writes if write else ())
        if actions and (not grant.requires or grant.requires in names):
            condition = {"Condition": grant.condition} if grant.condition else {}
            yield _filled(
                {
                    "Effect": grant.effect,
                    "Action": actions,
                    "Resource": grant.resources,
                    **condition,
                },
                names,
            )


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_filled(item, names) for item in value]
    return re.sub(r"\{(\w+)\}", lambda placeholder: names[placeholder[1]], value)


def _document(statements: list[dict[str, Any]]) -> str:
    document = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(document, separators=(",", ":"))
