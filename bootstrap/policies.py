"""The policies of the deploy role, the preview role and the stack's own roles, as data.

The names of a stack's resources start with its prefix (`components.naming`), and its roles have the
path `/<project>/<stack>/`. Where AWS assigns ids instead of names, a grant requires the tags
`project` and `stack`. Where AWS supports neither, `why` justifies the wildcard.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components.iam.policies import NETWORK_ACTIONS, document
from function.declare.permission import Link, ServicePermission, fill_settings

# IAM quotas: characters of a managed policy without white space; managed policies of a role.
POLICY_SIZE = 6144
POLICIES_PER_ROLE = 10

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True)
class Grant:
    """Actions on resources. A preview reads; a deployment reads and writes.

    `reads` and `writes` list IAM actions; one without a service has that of the action before it.
    `resources` and `condition` may contain `{partition}`, `{region}`, `{account}`, `{project}`,
    `{stack}`, `{name}` (the prefix of the stack's names), `{bucket}` (that of its buckets),
    `{rule}` (its sampling rule) and `{boundary}` (the ARN of its permissions boundary). The grant
    applies only where the config has the setting or the stack's option `requires`. `effect` is
    IAM's: a denial overrides every other grant.
    """

    why: str
    resources: tuple[str, ...]
    reads: str = ""
    writes: str = ""
    condition: Condition = field(default_factory=dict)
    requires: str = ""
    effect: str = "Allow"

    @property
    def names_stack(self) -> bool:
        """True if every resource, or the condition, has a name of the stack."""
        named = re.compile("{(bucket|stack|name|rule)}")
        return bool(named.search(repr(self.condition))) or all(map(named.search, self.resources))

    def actions(self, *, write: bool = True) -> list[str]:
        """Return the IAM actions, each with its service."""
        service, actions = "", []
        for word in [*self.reads.split(), *(self.writes.split() if write else ())]:
            prefix, colon, name = word.rpartition(":")
            service = prefix if colon else service
            actions.append(f"{service}:{name}")
        return actions


_TABLES = "arn:{partition}:dynamodb:*:{account}:table/{name}-*"
_FUNCTIONS = "arn:{partition}:lambda:{region}:{account}:function:{name}-*"
_QUEUES = "arn:{partition}:sqs:{region}:{account}:{name}-*"
_TOPICS = "arn:{partition}:sns:{region}:{account}:{name}-*"
_RULES = "arn:{partition}:events:{region}:{account}:rule"
_BUCKETS = "arn:{partition}:s3:::{bucket}-*"
# pragma: allowlist nextline secret
_SECRETS = "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-*"
_ROLES = "arn:{partition}:iam::{account}:role/{project}/{stack}/*"
_LINKED_ROLES = "arn:{partition}:iam::{account}:role/aws-service-role/"
_LOGS = "arn:{partition}:logs:{region}:{account}:log-group:{name}-*"
_GATEWAY = "arn:{partition}:apigateway:{region}::"
_KEYS = "arn:{partition}:kms:{region}:{account}:key/*"
# The services that use the stack's key with the permissions of its roles.
KEY_USERS = ("dynamodb", "secretsmanager", "sns")
# `{stack}` may be a pattern: pr-*.
_TAGGED = {"aws:ResourceTag/project": "{project}", "aws:ResourceTag/stack": "{stack}"}
_TAGGING = {"aws:RequestTag/project": "{project}", "aws:RequestTag/stack": "{stack}"}
_BY_TAG: Condition = {"StringLike": _TAGGED}
_WITH_TAG: Condition = {"StringLike": _TAGGING}


def _through(*services: str) -> Mapping[str, tuple[str, ...]]:
    return {"kms:ViaService": tuple(f"{service}.*.amazonaws.com" for service in services)}


# API Gateway's resources with their own tags, which their children inherit.
_OWNERS = ("restapis", "apikeys", "usageplans", "domainnames")
_TAGS_OF = _GATEWAY + "/tags/arn%3A{partition}%3Aapigateway%3A{region}%3A%3A%2F"

# AWS grants these on "*" alone.
UNNAMED = "cloudwatch:PutCompositeAlarm sns:SetSubscriptionAttributes sns:Unsubscribe"

GRANTS: tuple[Grant, ...] = (
    Grant(
        "tables, in every region because of replicas",
        (_TABLES,),
        reads="dynamodb:Describe* ListTagsOfResource",
        writes="dynamodb:CreateTable UpdateTable DeleteTable UpdateContinuousBackups "
        "UpdateTimeToLive TagResource UntagResource",
    ),
    Grant(
        "replicas: AWS copies the items with the permissions of the caller who adds one",
        (_TABLES,),
        writes="dynamodb:CreateTableReplica DeleteTableReplica BatchWriteItem DeleteItem GetItem "
        "PutItem Query Scan UpdateItem",
        requires="replicas",
    ),
    Grant(
        "AWS's own key for DynamoDB, which the provider looks up for every replica",
        ("arn:{partition}:kms:*:{account}:key/*",),
        reads="kms:DescribeKey",
        condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/dynamodb"}},
        requires="replicas",
    ),
    Grant(
        "the service-linked roles of DynamoDB replication and API Gateway domains; AWS "
        "defines their policies",
        (
            _LINKED_ROLES + "replication.dynamodb.amazonaws.com/*",
            _LINKED_ROLES + "ops.apigateway.amazonaws.com/*",
        ),
        writes="iam:CreateServiceLinkedRole",
    ),
    Grant(
        "functions with their versions and aliases",
        (_FUNCTIONS,),
        reads="lambda:Get* List*",
        writes="lambda:CreateFunction DeleteFunction PublishVersion UpdateFunctionCode "
        "UpdateFunctionConfiguration CreateAlias UpdateAlias DeleteAlias AddPermission "
        "RemovePermission PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig "
        "DeleteFunctionEventInvokeConfig PutFunctionConcurrency DeleteFunctionConcurrency "
        "PutProvisionedConcurrencyConfig DeleteProvisionedConcurrencyConfig TagResource "
        "UntagResource",
    ),
    Grant(
        "secrets; a preview cannot read their values",
        (_SECRETS,),
        reads="secretsmanager:DescribeSecret GetResourcePolicy",
        writes="secretsmanager:CreateSecret UpdateSecret DeleteSecret RestoreSecret GetSecretValue "
        "PutSecretValue UpdateSecretVersionStage ListSecretVersionIds TagResource "
        "UntagResource",
    ),
    Grant(
        "log groups",
        (_LOGS,),
        reads="logs:DescribeMetricFilters ListTagsForResource ListTagsLogGroup",
        writes="logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy "
        "PutMetricFilter DeleteMetricFilter AssociateKmsKey DisassociateKmsKey TagResource "
        "UntagResource",
    ),
    Grant(
        "actions that support no resource but the account",
        ("*",),
        reads="cloudwatch:DescribeAlarms dynamodb:ListTables logs:DescribeLogGroups "
        "sns:GetSubscriptionAttributes xray:GetSamplingRules",
        writes=UNNAMED,
    ),
    Grant(
        "roles under the stack's path",
        (_ROLES,),
        reads="iam:Get* List*",
        writes="iam:DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy TagRole "
        "UntagRole",
    ),
    Grant(
        "role policies, only with the boundary, which this role cannot change",
        (_ROLES,),
        writes="iam:CreateRole PutRolePermissionsBoundary PutRolePolicy DeleteRolePolicy",
        condition={"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
    ),
    Grant(
        "the boundary's document, in which a preview looks up the declared services",
        ("{boundary}",),
        reads="iam:GetPolicy GetPolicyVersion",
    ),
    Grant(
        "the stack's own roles, for the services that assume them",
        (_ROLES,),
        writes="iam:PassRole",
        condition={
            "StringEquals": {
                "iam:PassedToService": ("lambda.amazonaws.com", "scheduler.amazonaws.com")
            }
        },
    ),
    Grant(
        "API Gateway assigns ids, so a new resource must carry the stack's tags",
        tuple(f"{_GATEWAY}/{kind}" for kind in _OWNERS),
        writes="apigateway:POST",
        condition=_WITH_TAG,
    ),
    Grant(
        "resources with the stack's tags, and their children, which inherit them",
        tuple(f"{_GATEWAY}/{kind}/*" for kind in _OWNERS),
        reads="apigateway:GET",
        writes="apigateway:POST PUT PATCH DELETE SetWebACL",
        condition=_BY_TAG,
    ),
    Grant(
        "the certificate of a domain name: these actions support no condition keys",
        (_GATEWAY + "/domainnames", _GATEWAY + "/domainnames/*"),
        writes="apigateway:AddCertificateToDomain RemoveCertificateFromDomain",
    ),
    Grant(
        "tags at creation: AWS checks them on an ARN with an asterisk instead of the future "
        "id. `${*}` is a literal asterisk, so it matches no existing id",
        tuple(f"{_TAGS_OF}{kind}%2F${{*}}" for kind in _OWNERS),
        writes="apigateway:PUT",
        condition=_WITH_TAG,
    ),
    Grant(
        "tags of the stack's resources; a stage without tags inherits its API's",
        (_GATEWAY + "/tags/*",),
        reads="apigateway:GET",
        writes="apigateway:PUT DELETE",
        condition=_BY_TAG,
    ),
    Grant(
        "alarms",
        ("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}-*",),
        reads="cloudwatch:ListTagsForResource",
        writes="cloudwatch:PutMetricAlarm DeleteAlarms EnableAlarmActions DisableAlarmActions "
        "TagResource UntagResource",
    ),
    Grant(
        "dashboards, whose ARN has no region",
        ("arn:{partition}:cloudwatch::{account}:dashboard/{name}",),
        reads="cloudwatch:GetDashboard",
        writes="cloudwatch:PutDashboard DeleteDashboards",
    ),
    Grant(
        "topics and their subscriptions",
        (_TOPICS,),
        reads="sns:GetTopicAttributes List*",
        writes="sns:CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource",
    ),
    Grant(
        "subscriptions of the stack's functions to existing topics",
        ("arn:{partition}:sns:*:*:*",),
        writes="sns:Subscribe",
        condition={"StringLike": {"sns:Endpoint": (_FUNCTIONS,)}},
    ),
    Grant(
        "rules on event buses",
        (f"{_RULES}/{{name}}-*", f"{_RULES}/*/{{name}}-*"),
        reads="events:DescribeRule List*",
        writes="events:PutRule DeleteRule PutTargets RemoveTargets TagResource UntagResource",
    ),
    Grant(
        "use of the stack's key, which this program creates and tags, through the services "
        "that encrypt with it; no change of the key",
        (_KEYS,),
        reads="kms:DescribeKey Decrypt",
        writes="kms:Encrypt ReEncrypt* GenerateDataKey*",
        condition={"StringLike": {**_TAGGED, **_through("lambda", *KEY_USERS)}},
    ),
    Grant(
        "grants on the key, by which DynamoDB and Lambda keep access",
        (_KEYS,),
        writes="kms:CreateGrant",
        condition={
            "StringLike": {**_TAGGED, **_through("lambda", *KEY_USERS)},
            "Bool": {"kms:GrantIsForAWSResource": "true"},
        },
    ),
    Grant(
        "the budget, which is the account's, in no region",
        ("arn:{partition}:budgets::{account}:budget/{name}-*",),
        reads="budgets:ViewBudget ListTagsForResource",
        writes="budgets:ModifyBudget TagResource UntagResource",
    ),
    Grant(
        "vaults of backups",
        ("arn:{partition}:backup:{region}:{account}:backup-vault:{name}-*",),
        reads="backup:DescribeBackupVault ListTags",
        writes="backup:CreateBackupVault DeleteBackupVault TagResource UntagResource",
        requires="backup",
    ),
    Grant(
        "the storage of a vault: these actions support no resource",
        ("*",),
        writes="backup-storage:MountCapsule",
        requires="backup",
    ),
    Grant(
        "plans of backups, which have an id",
        ("arn:{partition}:backup:{region}:{account}:backup-plan:*",),
        reads="backup:GetBackupPlan GetBackupSelection ListTags",
        writes="backup:UpdateBackupPlan DeleteBackupPlan CreateBackupSelection "
        "DeleteBackupSelection TagResource UntagResource",
        condition=_BY_TAG,
        requires="backup",
    ),
    Grant(
        "a new plan of backups, which must carry the stack's tags",
        ("arn:{partition}:backup:{region}:{account}:backup-plan:*",),
        writes="backup:CreateBackupPlan",
        condition=_WITH_TAG,
        requires="backup",
    ),
    Grant(
        "the stack's own roles, for backups",
        (_ROLES,),
        writes="iam:PassRole",
        condition={"StringEquals": {"iam:PassedToService": "backup.amazonaws.com"}},
        requires="backup",
    ),
    Grant(
        "the network of functions in a VPC, which Lambda checks: the actions support no resource",
        ("*",),
        reads="ec2:DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        requires="vpc",
    ),
    Grant(
        "web ACLs",
        ("arn:{partition}:wafv2:{region}:{account}:regional/webacl/{name}-*/*",),
        reads="wafv2:GetWebACL GetWebACLForResource ListTagsForResource",
        writes="wafv2:CreateWebACL UpdateWebACL DeleteWebACL AssociateWebACL TagResource "
        "UntagResource",
    ),
    Grant(
        "AWS's rule groups, which AWS checks when the stack's web ACL changes",
        ("arn:{partition}:wafv2:{region}:{account}:regional/managedruleset/*/*",),
        writes="wafv2:CreateWebACL UpdateWebACL",
    ),
    Grant(
        "the association with a stage, which has an id and supports no tag condition in WAF; "
        "AWS also requires apigateway:SetWebACL, which this role has only on the stack's stage",
        (_GATEWAY + "/restapis/*/stages/{stack}",),
        reads="wafv2:GetWebACLForResource",
        writes="wafv2:AssociateWebACL DisassociateWebACL",
    ),
    Grant(
        "sampling rules",
        ("arn:{partition}:xray:{region}:{account}:sampling-rule/{rule}",),
        reads="xray:ListTagsForResource",
        writes="xray:CreateSamplingRule UpdateSamplingRule DeleteSamplingRule TagResource "
        "UntagResource",
    ),
    Grant(
        "queues and dead-letter queues",
        (_QUEUES,),
        reads="sqs:GetQueueAttributes GetQueueUrl ListQueueTags",
        writes="sqs:CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
    ),
    Grant(
        "buckets, but not their objects",
        (_BUCKETS,),
        reads="s3:GetBucket* Get*Configuration ListBucket*",
        writes="s3:CreateBucket DeleteBucket PutBucketTagging PutBucketPublicAccessBlock "
        "PutBucketPolicy DeleteBucketPolicy PutLifecycleConfiguration PutBucketNotification "
        "PutBucketCORS PutBucketVersioning",
    ),
    Grant(
        "schedules",
        ("arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}-*",),
        reads="scheduler:GetSchedule",
        writes="scheduler:CreateSchedule UpdateSchedule DeleteSchedule",
    ),
    Grant(
        "event source mappings, which have an id, and none before creation; the condition "
        "limits them to the stack's functions",
        ("*",),
        reads="lambda:GetEventSourceMapping",
        writes="lambda:CreateEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping",
        condition={"ArnLike": {"lambda:FunctionArn": _FUNCTIONS}},
    ),
    Grant(
        "tags of event source mappings, which AWS sets at creation",
        ("arn:{partition}:lambda:{region}:{account}:event-source-mapping:*",),
        reads="lambda:ListTags",
        writes="lambda:TagResource UntagResource",
        condition={"StringLikeIfExists": _TAGGED},
    ),
    Grant(
        "the DNS record of a domain name, and the status of its changes, which have an id",
        ("arn:{partition}:route53:::hostedzone/{zone_id}", "arn:{partition}:route53:::change/*"),
        reads="route53:GetHostedZone ListResourceRecordSets GetChange",
        writes="route53:ChangeResourceRecordSets",
        requires="zone_id",
    ),
    Grant(
        "the state bucket: its list of objects, and the version of its layout",
        (
            "arn:{partition}:s3:::{state_bucket}",
            "arn:{partition}:s3:::{state_bucket}/.pulumi/meta.yaml",
        ),
        reads="s3:ListBucket GetBucketLocation GetObject",
        requires="state_bucket",
    ),
    Grant(
        "the stack's state, history, backups and locks",
        (
            "arn:{partition}:s3:::{state_bucket}/.pulumi/*/{project}/{stack}/*",
            "arn:{partition}:s3:::{state_bucket}/.pulumi/*/{project}/{stack}.*",
        ),
        reads="s3:GetObject",
        writes="s3:PutObject DeleteObject",
        requires="state_bucket",
    ),
    Grant(
        "the secrets in the state",
        ("{state_key}",),
        reads="kms:Decrypt DescribeKey",
        writes="kms:Encrypt GenerateDataKey",
        requires="state_key",
    ),
)

# API Gateway returns a key's value with the key and with its entry in a usage plan, so a preview
# must read neither.
PREVIEW_DENIES = (
    Grant(
        "the values of API keys",
        tuple(f"{_GATEWAY}/{part}" for part in ("apikeys", "apikeys/*", "usageplans/*/keys*")),
        reads="apigateway:GET",
        effect="Deny",
    ),
)

# The stacks of pull requests: every name that begins so.
PULL_REQUESTS = "pr-*"
PULL_REQUEST_ENVIRONMENT = "pull-request"


def for_pull_requests(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return the grants for the stacks of pull requests, whose code nobody has reviewed.

    A grant that no name and no tag limits to these stacks reads only, apart from UNNAMED.
    """
    return tuple(
        grant if grant.names_stack or grant.writes == UNNAMED else replace(grant, writes="")
        for grant in grants
    )


DECLARED = "a declared ServicePermission or Link"

# The limit of every role of a stack, beyond the policies that a deployment attaches to it.
BOUNDARY: tuple[Grant, ...] = (
    Grant(
        "the stack's tables and indexes: their items, their streams for jobs, their backups",
        (_TABLES,),
        writes="dynamodb:*Item PartiQL* Query Scan DescribeStream GetRecords GetShardIterator "
        "ListStreams CreateBackup DescribeTable ListTagsOfResource StartAwsBackupJob DeleteBackup "
        "DescribeBackup",
    ),
    Grant(
        "messages of the stack's queues",
        (_QUEUES,),
        writes="sqs:SendMessage ReceiveMessage DeleteMessage GetQueueAttributes",
    ),
    Grant("messages of the stack's topics", (_TOPICS,), writes="sns:Publish"),
    Grant("objects of the stack's buckets", (f"{_BUCKETS}/*",), writes="s3:*Object*"),
    Grant("the stack's functions, for schedules", (_FUNCTIONS,), writes="lambda:InvokeFunction"),
    Grant(
        "the stack's key, which AWS uses with the caller's permissions: tables, secrets, topics",
        ("arn:{partition}:kms:*:{account}:key/*",),
        writes="kms:Decrypt DescribeKey GenerateDataKey",
        condition={"StringLike": {**_TAGGED, **_through(*KEY_USERS)}},
    ),
    Grant("the stack's secrets", (_SECRETS,), writes="secretsmanager:GetSecretValue"),
    Grant("the stack's logs", (_LOGS,), writes="logs:CreateLogStream PutLogEvents"),
    Grant(
        "network interfaces of functions in a VPC: most actions support no resource",
        ("*",),
        writes=" ".join(NETWORK_ACTIONS),
        requires="vpc",
    ),
    Grant(
        "traces: the actions support no resource",
        ("*",),
        writes="xray:PutTelemetryRecords PutTraceSegments",
    ),
)


def boundary(
    services: Iterable[ServicePermission | Link], settings: Mapping[str, str]
) -> tuple[Grant, ...]:
    """Return the boundary of a stack with these services and links.

    `settings` maps environment variables to the stack's values.
    """
    declared = sorted({(_resources(one, settings), one.actions) for one in services if one.actions})
    return BOUNDARY + tuple(
        Grant(DECLARED, resources, writes=" ".join(actions)) for resources, actions in declared
    )


def _resources(declared: ServicePermission | Link, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ARNs of a declaration, by default those of resources with the stack's prefix."""
    if declared.resource:
        return (fill_settings(declared.resource, settings),)
    services = sorted({action.partition(":")[0] for action in declared.actions})
    named = {"s3": _BUCKETS}
    default = "arn:{partition}:%s:*:{account}:*{name}-*"
    return tuple(named.get(service, default % service) for service in services)


def trust(provider: str, repository: str, environment: str) -> str:
    """Return the trust policy that lets jobs of one GitHub environment assume a role.

    The jobs must run from main, or, in PULL_REQUEST_ENVIRONMENT, on the merge of a pull request.
    The policy does not depend on the environment's protection rules.
    """
    issuer = "token.actions.githubusercontent.com"
    refs = ["refs/heads/main"]
    if environment == PULL_REQUEST_ENVIRONMENT:
        refs.append("refs/pull/*/merge")
    claims = {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"repo:{repository}:environment:{environment}",
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims, "StringLike": {f"{issuer}:ref": refs}},
    }
    return document(statement)


def key_policy(*, partition: str, account: str, region: str, roles: str) -> str:
    """Return the policy of a stack's KMS key.

    The account's IAM policies control the key. The stack's `roles` (a pattern of ARNs) use it for
    tables, secrets and topics, alarms and budgets for a topic, and CloudWatch Logs for log groups.
    """
    logs = f"arn:{partition}:logs:{region}:{account}:log-group:*"
    statements: list[dict[str, Any]] = [
        # In a key policy "*" means the key itself. Without this statement nobody could manage it.
        {"Principal": {"AWS": f"arn:{partition}:iam::{account}:root"}, "Action": "kms:*"},
        {
            "Principal": {"AWS": "*"},
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": roles},
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": [
                        f"{service}.{region}.amazonaws.com" for service in KEY_USERS
                    ],
                },
            },
        },
        {
            "Principal": {"Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]},
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
    return document(
        *({"Effect": "Allow", "Resource": "*", **statement} for statement in statements)
    )


def documents(grants: Iterable[Grant], names: Mapping[str, str], *, write: bool) -> list[str]:
    """Return the grants as policy documents, each within IAM's size of a managed policy.

    `names` holds the values of the placeholders. Without `write` the documents grant reads only.
    """
    packed: list[list[dict[str, Any]]] = [[]]
    for statement in _statements(grants, names, write):
        if len(document(*packed[-1], statement)) > POLICY_SIZE:
            packed.append([])
        packed[-1].append(statement)
    return [document(*statements) for statements in packed]


def sizes(grants: Iterable[Grant], names: Mapping[str, str]) -> dict[str, int]:
    """Return the characters of each grant in one policy document, by its reason or resource."""
    envelope = len(document())
    found = Counter({"the document": envelope})
    for grant in grants:
        for statement in _statements((grant,), names, write=True):
            # An ARN has at most 2,048 characters; the message needs not all of them.
            name = statement["Resource"][0][:80] if grant.why == DECLARED else grant.why
            found[name] += len(document(statement)) - envelope + 1  # a comma precedes it
    return found


def _statements(
    grants: Iterable[Grant], names: Mapping[str, str], write: bool
) -> Iterable[dict[str, Any]]:
    for grant in grants:
        actions = grant.actions(write=write)
        if actions and (not grant.requires or grant.requires in names):
            statement: dict[str, Any] = {"Action": actions, "Resource": grant.resources}
            if grant.condition:
                statement["Condition"] = grant.condition
            yield {"Effect": grant.effect, **_filled(statement, names)}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(item, names) for item in value]
    return re.sub(r"\{(\w+)\}", lambda placeholder: names[placeholder[1]], value)
