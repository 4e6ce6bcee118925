"""What a deploy role, a preview role and the stack's own roles may do, as data.

The names of a stack's resources start with `<project>-<stack>`, as Pulumi names them; its roles lie
under the path `/<project>/<stack>/`. Where AWS gives ids instead of names, the tags `project` and
`stack` decide; where it supports neither, the grant says why its wildcard is forced.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# IAM quotas: characters of a managed policy, white space not counted; managed policies of a role.
POLICY_SIZE = 6144
POLICIES_PER_ROLE = 10

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on resources. A preview reads, a deployment reads and writes.

    `{region}`, `{account}`, `{project}` and `{stack}` stand for the stack's, `{boundary}` for the
    ARN of its permissions boundary. `given` names a setting of the deployer, `{setting}` here,
    without which there is no such grant.
    """

    why: str
    resources: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    condition: Condition = field(default_factory=dict)
    given: str = ""


_TABLES = "arn:aws:dynamodb:*:{account}:table/{project}-{stack}-*"
_FUNCTIONS = "arn:aws:lambda:{region}:{account}:function:{project}-{stack}-*"
_QUEUES = "arn:aws:sqs:{region}:{account}:{project}-{stack}-*"
_ROLES = "arn:aws:iam::{account}:role/{project}/{stack}/*"
_GATEWAY = "arn:aws:apigateway:{region}::"
_TAGGED: Condition = {
    "StringEquals": {"aws:ResourceTag/project": "{project}", "aws:ResourceTag/stack": "{stack}"}
}
_TAGGING: Condition = {
    "StringEquals": {"aws:RequestTag/project": "{project}", "aws:RequestTag/stack": "{stack}"},
    "StringEqualsIfExists": _TAGGED["StringEquals"],
}

GRANTS: tuple[Grant, ...] = (
    Grant(
        why="tables, in every region for the sake of replicas",
        resources=(_TABLES,),
        reads=("dynamodb:Describe*", "dynamodb:ListTagsOfResource"),
        writes=(
            *("dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable"),
            *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"),
            *("dynamodb:TagResource", "dynamodb:UntagResource"),
        ),
    ),
    Grant(
        why="replicas: AWS copies the items in the name of who adds one",
        resources=(_TABLES,),
        writes=(
            *("dynamodb:CreateTableReplica", "dynamodb:DeleteTableReplica"),
            *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"),
        ),
    ),
    Grant(
        why="the roles by which DynamoDB replicates and API Gateway has domains; AWS writes their "
        "policies",
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
        why="log groups; API Gateway itself names the one of a stage's execution logs",
        resources=(
            "arn:aws:logs:{region}:{account}:log-group:{project}-{stack}-*",
            "arn:aws:logs:{region}:{account}:log-group:API-Gateway-Execution-Logs_*/{stack}*",
        ),
        reads=("logs:DescribeMetricFilters", "logs:ListTagsForResource", "logs:ListTagsLogGroup"),
        writes=(
            *("logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy"),
            *("logs:DeleteRetentionPolicy", "logs:PutMetricFilter", "logs:DeleteMetricFilter"),
            *("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
            *("logs:TagResource", "logs:UntagResource"),
        ),
    ),
    Grant(
        why="lists and describes that AWS offers for a whole account only",
        resources=("*",),
        reads=(
            *("cloudwatch:DescribeAlarms", "dynamodb:ListTables", "kms:ListAliases"),
            *("logs:DescribeLogGroups", "sns:GetSubscriptionAttributes", "xray:GetSamplingRules"),
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
        why="what a role may do changes only inside the boundary, which nobody here may change",
        resources=(_ROLES,),
        writes=(
            *("iam:CreateRole", "iam:PutRolePermissionsBoundary"),
            *("iam:PutRolePolicy", "iam:DeleteRolePolicy"),
            *("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        ),
        condition={"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
    ),
    Grant(
        why="the stack's own roles, handed to the services that take them",
        resources=(_ROLES,),
        writes=("iam:PassRole",),
        condition={
            "StringEquals": {
                "iam:PassedToService": (
                    *("apigateway.amazonaws.com", "lambda.amazonaws.com"),
                    "scheduler.amazonaws.com",
                )
            }
        },
    ),
    Grant(
        why="API Gateway gives ids: what is created must carry the stack's tags",
        resources=tuple(
            _GATEWAY + path for path in ("/restapis", "/apikeys", "/usageplans", "/domainnames")
        ),
        writes=("apigateway:POST",),
        condition=_TAGGING,
    ),
    Grant(
        why="what carries the stack's tags, and what lies under it and so inherits them",
        resources=tuple(
            _GATEWAY + path
            for path in ("/restapis/*", "/apikeys/*", "/usageplans/*", "/domainnames/*")
        ),
        reads=("apigateway:GET",),
        writes=(
            *("apigateway:POST", "apigateway:PUT", "apigateway:PATCH", "apigateway:DELETE"),
            "apigateway:SetWebACL",
        ),
        condition=_TAGGED,
    ),
    Grant(
        why="the certificate of a domain name, a permission without condition keys of its own",
        resources=(_GATEWAY + "/domainnames", _GATEWAY + "/domainnames/*"),
        writes=("apigateway:AddCertificateToDomain", "apigateway:RemoveCertificateFromDomain"),
    ),
    Grant(
        why="setting tags is checked before what is created has an ARN: forced wildcard. What has "
        "no tags at all could so be made the stack's; stacks that must not trust each other need "
        "accounts of their own",
        resources=(_GATEWAY + "/tags/*",),
        reads=("apigateway:GET",),
        writes=("apigateway:POST", "apigateway:PUT", "apigateway:DELETE"),
        condition={"StringEqualsIfExists": _TAGGED["StringEquals"]},
    ),
    Grant(
        why="API Gateway's account settings, of which a region has one",
        resources=(_GATEWAY + "/account",),
        reads=("apigateway:GET",),
        writes=("apigateway:PATCH",),
    ),
    Grant(
        why="alarms",
        resources=("arn:aws:cloudwatch:{region}:{account}:alarm:{project}-{stack}-*",),
        reads=("cloudwatch:ListTagsForResource",),
        writes=(
            *("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
            *("cloudwatch:EnableAlarmActions", "cloudwatch:DisableAlarmActions"),
            *("cloudwatch:TagResource", "cloudwatch:UntagResource"),
        ),
    ),
    Grant(
        why="AWS refuses a composite alarm to who may not put every one",
        resources=("*",),
        writes=("cloudwatch:PutCompositeAlarm",),
    ),
    Grant(
        why="dashboards, which have no region",
        resources=("arn:aws:cloudwatch::{account}:dashboard/{project}-{stack}*",),
        reads=("cloudwatch:GetDashboard",),
        writes=("cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    ),
    Grant(
        why="topics and their subscriptions",
        resources=("arn:aws:sns:{region}:{account}:{project}-{stack}-*",),
        reads=("sns:GetTopicAttributes", "sns:List*"),
        writes=(
            *("sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe"),
            *("sns:TagResource", "sns:UntagResource"),
        ),
    ),
    Grant(
        why="SNS knows no resource for these; an id of a subscription is a secret of its topic",
        resources=("*",),
        writes=("sns:Unsubscribe", "sns:SetSubscriptionAttributes"),
    ),
    Grant(
        why="a new KMS key has no ARN yet: it must carry the stack's tags, which are set with it",
        resources=("*",),
        writes=("kms:CreateKey", "kms:TagResource"),
        condition=_TAGGING,
    ),
    Grant(
        why="keys with the stack's tags; DynamoDB uses them by grants",
        resources=("arn:aws:kms:{region}:{account}:key/*",),
        reads=("kms:DescribeKey", "kms:GetKey*", "kms:ListResourceTags"),
        writes=(
            *("kms:CreateGrant", "kms:PutKeyPolicy", "kms:UpdateKeyDescription"),
            *("kms:EnableKey", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
            *("kms:EnableKeyRotation", "kms:DisableKeyRotation"),
            *("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"),
            *("kms:TagResource", "kms:UntagResource"),
        ),
        condition=_TAGGED,
    ),
    Grant(
        why="an alias is checked on the key and on itself",
        resources=("arn:aws:kms:{region}:{account}:alias/{project}-{stack}*",),
        writes=("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"),
    ),
    Grant(
        why="web ACLs; one that uses AWS's rule groups is checked on those too",
        resources=(
            "arn:aws:wafv2:{region}:{account}:regional/webacl/{project}-{stack}-*/*",
            "arn:aws:wafv2:{region}:{account}:regional/managedruleset/*/*",
        ),
        reads=("wafv2:GetWebACL", "wafv2:ListTagsForResource"),
        writes=(
            *("wafv2:CreateWebACL", "wafv2:UpdateWebACL", "wafv2:DeleteWebACL"),
            *("wafv2:AssociateWebACL", "wafv2:TagResource", "wafv2:UntagResource"),
        ),
    ),
    Grant(
        why="a web ACL's stage, which has an id for a name and no tag condition in WAF",
        resources=(_GATEWAY + "/restapis/*/stages/{stack}",),
        reads=("wafv2:GetWebACLForResource",),
        writes=("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"),
    ),
    Grant(
        why="sampling rules",
        resources=("arn:aws:xray:{region}:{account}:sampling-rule/{project}-{stack}*",),
        reads=("xray:ListTagsForResource",),
        writes=(
            *("xray:CreateSamplingRule", "xray:UpdateSamplingRule", "xray:DeleteSamplingRule"),
            *("xray:TagResource", "xray:UntagResource"),
        ),
    ),
    Grant(
        why="queues, and the dead letters of jobs",
        resources=(_QUEUES,),
        reads=("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"),
        writes=(
            *("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes"),
            *("sqs:TagQueue", "sqs:UntagQueue"),
        ),
    ),
    Grant(
        why="schedules",
        resources=("arn:aws:scheduler:{region}:{account}:schedule/default/{project}-{stack}-*",),
        reads=("scheduler:GetSchedule",),
        writes=(
            *("scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"),
        ),
    ),
    Grant(
        why="what starts the stack's own functions from queues and streams has an id for a name, "
        "and before it is made none",
        resources=("*",),
        reads=("lambda:GetEventSourceMapping",),
        writes=(
            *("lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping"),
            "lambda:DeleteEventSourceMapping",
        ),
        condition={"ArnLike": {"lambda:FunctionArn": _FUNCTIONS}},
    ),
    Grant(
        why="the tags of those, which are set with them",
        resources=("arn:aws:lambda:{region}:{account}:event-source-mapping:*",),
        reads=("lambda:ListTags",),
        writes=("lambda:TagResource", "lambda:UntagResource"),
        condition={"StringEqualsIfExists": _TAGGED["StringEquals"]},
    ),
    Grant(
        why="the record of a domain name",
        given="zone_id",
        resources=("arn:aws:route53:::hostedzone/{zone_id}",),
        reads=("route53:GetHostedZone", "route53:ListResourceRecordSets"),
        writes=("route53:ChangeResourceRecordSets",),
    ),
    Grant(
        why="whether a record has arrived; a change has an id",
        given="zone_id",
        resources=("arn:aws:route53:::change/*",),
        reads=("route53:GetChange",),
    ),
    Grant(
        why="the state's bucket: what is in it",
        given="state_bucket",
        resources=("arn:aws:s3:::{state_bucket}",),
        reads=("s3:ListBucket", "s3:GetBucketLocation"),
    ),
    Grant(
        why="the state's bucket: its layout's version",
        given="state_bucket",
        resources=("arn:aws:s3:::{state_bucket}/.pulumi/meta.yaml",),
        reads=("s3:GetObject",),
    ),
    Grant(
        why="the stack's state, history, backups and locks",
        given="state_bucket",
        resources=(
            "arn:aws:s3:::{state_bucket}/.pulumi/*/{project}/{stack}/*",
            "arn:aws:s3:::{state_bucket}/.pulumi/*/{project}/{stack}.*",
        ),
        reads=("s3:GetObject",),
        writes=("s3:PutObject", "s3:DeleteObject"),
    ),
    Grant(
        why="the secrets in the state",
        given="state_key",
        resources=("{state_key}",),
        reads=("kms:Decrypt", "kms:DescribeKey"),
        writes=("kms:Encrypt", "kms:GenerateDataKey"),
    ),
)

# The most that a role of the stack may do, whatever policy a deployment writes for it.
BOUNDARY: tuple[Grant, ...] = (
    Grant(
        why="items of the stack's tables and their indexes",
        resources=(_TABLES,),
        writes=(
            *("dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan", "dynamodb:DescribeTable"),
            *("dynamodb:DescribeTimeToLive",),
        ),
    ),
    Grant(
        why="streams of the stack's tables, which jobs follow",
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
        why="the stack's functions, which schedules start",
        resources=(_FUNCTIONS,),
        writes=("lambda:InvokeFunction",),
    ),
    Grant(
        why="encrypted tables, whose key DynamoDB uses in the caller's name",
        resources=("arn:aws:kms:*:{account}:key/*",),
        writes=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        condition={"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
    ),
    Grant(
        why="logs: API Gateway names its log groups itself, and checks the role for all of these",
        resources=("*",),
        writes=(
            *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups"),
            *("logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"),
            "logs:PutLogEvents",
        ),
    ),
    Grant(
        why="traces, which X-Ray takes without naming a resource",
        resources=("*",),
        writes=(
            *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
            *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
        ),
    ),
)


def trust(*, provider: str, repository: str, environment: str) -> str:
    """Return the trust policy by which jobs of one GitHub environment may take a role."""
    issuer = "token.actions.githubusercontent.com"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:{repository}:environment:{environment}",
            }
        },
    }
    return _document([statement])


def documents(grants: Iterable[Grant], names: Mapping[str, str], *, write: bool) -> list[str]:
    """Return the grants as policy documents, each within IAM's size of a managed policy.

    `names` are the values of the placeholders; without `write` only what reads is granted.
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
        if actions and (not grant.given or grant.given in names):
            condition = {"Condition": grant.condition} if grant.condition else {}
            yield _filled(
                {
                    "Effect": "Allow",
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
