"""What a deploy role, a preview role and the stack's own roles may do, as data.

The names of a stack's resources start with its prefix, `components.naming`; its roles lie under the
path `/<project>/<stack>/`. Where AWS gives ids instead of names, the tags `project` and `stack`
decide; where it supports neither, the grant says why its wildcard is forced.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from function.declare.permission import ServicePermission

# IAM quotas: characters of a managed policy, white space not counted; managed policies of a role.
POLICY_SIZE = 6144
POLICIES_PER_ROLE = 10

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on resources. A preview reads, a deployment reads and writes.

    `{region}`, `{account}`, `{project}` and `{stack}` stand for the stack's, `{name}` for the
    prefix of its names, `{rule}` for the name of its sampling rule, `{boundary}` for the ARN of
    its permissions boundary. `requires` names a setting of the deployer, `{setting}` here, or an
    option of the stack there, without which there is no such grant. `effect` is IAM's: what is
    denied stays so whatever allows it.
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
# API Gateway's kinds that have tags of their own, and so decide about all that lies under them.
_OWNERS = ("restapis", "apikeys", "usageplans", "domainnames")
_TAGS_OF = _GATEWAY + "/tags/arn%3Aaws%3Aapigateway%3A{region}%3A%3A%2F"

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
        requires="replicas",
        resources=(_TABLES,),
        writes=(
            *("dynamodb:CreateTableReplica", "dynamodb:DeleteTableReplica"),
            *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"),
        ),
    ),
    Grant(
        why="which key is AWS's own for DynamoDB, as the provider asks of every replica",
        requires="replicas",
        resources=("arn:aws:kms:*:{account}:key/*",),
        reads=("kms:DescribeKey",),
        condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/dynamodb"}},
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
        why="secrets; a preview is not shown what they are",
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
        why="lists and describes that AWS offers for a whole account only",
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
        why="what a role may do changes only inside the boundary, which nobody here may change",
        resources=(_ROLES,),
        writes=(
            *("iam:CreateRole", "iam:PutRolePermissionsBoundary"),
            *("iam:PutRolePolicy", "iam:DeleteRolePolicy"),
        ),
        condition={"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
    ),
    Grant(
        why="what the boundary is, so that a preview tells which declared service it lacks",
        resources=("{boundary}",),
        reads=("iam:GetPolicy", "iam:GetPolicyVersion"),
    ),
    Grant(
        why="the stack's own roles, handed to the services that take them",
        resources=(_ROLES,),
        writes=("iam:PassRole",),
        condition={
            "StringEquals": {
                "iam:PassedToService": ("lambda.amazonaws.com", "scheduler.amazonaws.com")
            }
        },
    ),
    Grant(
        why="API Gateway gives ids: what is created must carry the stack's tags",
        resources=tuple(f"{_GATEWAY}/{kind}" for kind in _OWNERS),
        writes=("apigateway:POST",),
        condition=_TAGGING,
    ),
    Grant(
        why="what carries the stack's tags, and what lies under it and so inherits them",
        resources=tuple(f"{_GATEWAY}/{kind}/*" for kind in _OWNERS),
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
        why="tags given at creation: AWS checks them on the kind with an asterisk for the id that "
        "is still to come. `${*}` is that character alone, so no id that exists is meant",
        resources=tuple(f"{_TAGS_OF}{kind}%2F${{*}}" for kind in _OWNERS),
        writes=("apigateway:PUT",),
        condition=_TAGGING,
    ),
    Grant(
        why="the tags of what is the stack's; a stage takes its API's where it has none",
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
        why="AWS refuses a composite alarm to who may not put every one",
        resources=("*",),
        writes=("cloudwatch:PutCompositeAlarm",),
    ),
    Grant(
        why="dashboards, which have no region",
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
        why="SNS knows no resource for these; an id of a subscription is a secret of its topic",
        resources=("*",),
        writes=("sns:Unsubscribe", "sns:SetSubscriptionAttributes"),
    ),
    Grant(
        why="the stack's key, which this program makes and tags: used through the services that "
        "encrypt with it, never changed",
        resources=(_KEYS,),
        reads=("kms:DescribeKey", "kms:Decrypt"),
        writes=("kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"),
        condition={**_TAGGED, **_THROUGH},
    ),
    Grant(
        why="DynamoDB and Lambda go on using it by grants, which only they can make",
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
        why="AWS's rule groups in a web ACL of the stack, on which a change of that ACL is checked",
        resources=("arn:aws:wafv2:{region}:{account}:regional/managedruleset/*/*",),
        writes=("wafv2:CreateWebACL", "wafv2:UpdateWebACL"),
    ),
    Grant(
        why="a web ACL's stage, which has an id for a name and no tag condition in WAF; AWS asks "
        "for apigateway:SetWebACL on it too, which only the stack's own stage has",
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
        resources=("arn:aws:scheduler:{region}:{account}:schedule/default/{name}-*",),
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
        requires="zone_id",
        resources=("arn:aws:route53:::hostedzone/{zone_id}",),
        reads=("route53:GetHostedZone", "route53:ListResourceRecordSets"),
        writes=("route53:ChangeResourceRecordSets",),
    ),
    Grant(
        why="whether a record has arrived; a change has an id",
        requires="zone_id",
        resources=("arn:aws:route53:::change/*",),
        reads=("route53:GetChange",),
    ),
    Grant(
        why="the state's bucket: what is in it",
        requires="state_bucket",
        resources=("arn:aws:s3:::{state_bucket}",),
        reads=("s3:ListBucket", "s3:GetBucketLocation"),
    ),
    Grant(
        why="the state's bucket: its layout's version",
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

# What a preview is kept from: API Gateway shows a key's value to whoever may read the key, and to
# whoever may read its place in a plan.
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

# The most that a role of any stack may do, whatever policy a deployment writes for it.
BOUNDARY: tuple[Grant, ...] = (
    Grant(
        why="items of the stack's tables and their indexes",
        resources=(_TABLES,),
        writes=("dynamodb:*Item", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan"),
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
        why="tables and secrets under the stack's key, which AWS uses in the caller's name",
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
        why="traces, which X-Ray takes without naming a resource",
        resources=("*",),
        writes=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    ),
)


def boundary(
    services: Iterable[ServicePermission], settings: Mapping[str, str]
) -> tuple[Grant, ...]:
    """Return the boundary of a stack that declares these services and has these settings, by the
    environment variables that hold them."""
    declared = sorted({(service.arn(settings), service.actions) for service in services})
    return BOUNDARY + tuple(
        Grant(why="a service that the stack's declarations name", resources=(arn,), writes=actions)
        for arn, actions in declared
    )


def trust(*, provider: str, repository: str, environment: str) -> str:
    """Return the trust policy by which jobs of one GitHub environment may take a role.

    They must run what is on main: of the environment's own rules nothing is asked.
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
    """Return the policy of a stack's key: the account's IAM decides about it, the stack's `roles`
    (a pattern of ARNs) use tables under it, CloudWatch's alarms publish to a topic under it, and
    CloudWatch Logs keeps log groups under it."""
    logs = f"arn:aws:logs:{region}:{account}:log-group:*"
    statements: list[dict[str, Any]] = [
        # In a key policy "*" is the key itself; without this nobody could manage it.
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
