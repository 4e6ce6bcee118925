"""Writes the declared resources as Terraform JSON.

pulumi-aws is the Terraform provider with other names: a type token is a resource type, a
camelCase property is an argument, a list of objects is a repeated block named in the singular. The
tables here hold the exceptions. An unknown name is an error.
"""

import collections.abc
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from local import pulumi_program
from local.pulumi_program import Properties, Resource


class RenderError(NotImplementedError):
    """A declared type or property has no known name in Terraform."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A Terraform resource type, and its arguments with irregular names."""

    type: str
    renamed: Mapping[str, str] = field(default_factory=dict)


def _kind(type_: str, **renamed: str) -> Kind:
    return Kind(type=type_, renamed=renamed)


_OF_API = {"restApi": "rest_api_id"}

KINDS: Mapping[str, Kind] = {
    "aws:apigateway/account:Account": _kind("aws_api_gateway_account"),
    "aws:apigateway/apiKey:ApiKey": _kind("aws_api_gateway_api_key"),
    "aws:apigateway/basePathMapping:BasePathMapping": _kind(
        "aws_api_gateway_base_path_mapping", restApi="api_id"
    ),
    "aws:apigateway/deployment:Deployment": _kind("aws_api_gateway_deployment", **_OF_API),
    "aws:apigateway/documentationVersion:DocumentationVersion": _kind(
        "aws_api_gateway_documentation_version"
    ),
    "aws:apigateway/domainName:DomainName": _kind("aws_api_gateway_domain_name"),
    "aws:apigateway/methodSettings:MethodSettings": _kind(
        "aws_api_gateway_method_settings", **_OF_API
    ),
    "aws:apigateway/restApi:RestApi": _kind("aws_api_gateway_rest_api"),
    "aws:apigateway/stage:Stage": _kind(
        "aws_api_gateway_stage", deployment="deployment_id", **_OF_API
    ),
    "aws:apigateway/usagePlan:UsagePlan": _kind("aws_api_gateway_usage_plan"),
    "aws:apigateway/usagePlanKey:UsagePlanKey": _kind("aws_api_gateway_usage_plan_key"),
    "aws:backup/plan:Plan": _kind("aws_backup_plan"),
    "aws:backup/selection:Selection": _kind("aws_backup_selection"),
    "aws:backup/vault:Vault": _kind("aws_backup_vault"),
    "aws:budgets/budget:Budget": _kind("aws_budgets_budget"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _kind("aws_cloudwatch_composite_alarm"),
    "aws:cloudwatch/dashboard:Dashboard": _kind("aws_cloudwatch_dashboard"),
    "aws:cloudwatch/logGroup:LogGroup": _kind("aws_cloudwatch_log_group"),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _kind("aws_cloudwatch_log_metric_filter"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _kind(
        "aws_cloudwatch_log_resource_policy"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _kind(
        "aws_cloudwatch_metric_alarm", name="alarm_name"
    ),
    "aws:dynamodb/table:Table": _kind("aws_dynamodb_table"),
    "aws:dynamodb/tableReplica:TableReplica": _kind("aws_dynamodb_table_replica"),
    "aws:iam/role:Role": _kind("aws_iam_role"),
    "aws:iam/rolePolicy:RolePolicy": _kind("aws_iam_role_policy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _kind("aws_iam_role_policy_attachment"),
    "aws:kms/alias:Alias": _kind("aws_kms_alias"),
    "aws:kms/key:Key": _kind("aws_kms_key"),
    "aws:lambda/alias:Alias": _kind("aws_lambda_alias"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _kind("aws_lambda_event_source_mapping"),
    "aws:cloudwatch/eventRule:EventRule": _kind("aws_cloudwatch_event_rule"),
    "aws:cloudwatch/eventTarget:EventTarget": _kind("aws_cloudwatch_event_target"),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _kind(
        "aws_lambda_function_event_invoke_config"
    ),
    "aws:lambda/function:Function": _kind(
        "aws_lambda_function", code="filename", name="function_name"
    ),
    "aws:lambda/permission:Permission": _kind("aws_lambda_permission", function="function_name"),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": _kind(
        "aws_lambda_provisioned_concurrency_config"
    ),
    "aws:route53/record:Record": _kind("aws_route53_record"),
    "aws:s3/bucket:Bucket": _kind("aws_s3_bucket"),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _kind(
        "aws_s3_bucket_cors_configuration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _kind("aws_s3_bucket_versioning"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _kind(
        "aws_s3_bucket_lifecycle_configuration"
    ),
    "aws:s3/bucketNotification:BucketNotification": _kind("aws_s3_bucket_notification"),
    "aws:s3/bucketPolicy:BucketPolicy": _kind("aws_s3_bucket_policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _kind(
        "aws_s3_bucket_public_access_block"
    ),
    "aws:scheduler/schedule:Schedule": _kind("aws_scheduler_schedule"),
    "aws:secretsmanager/secret:Secret": _kind("aws_secretsmanager_secret"),
    "aws:secretsmanager/secretVersion:SecretVersion": _kind("aws_secretsmanager_secret_version"),
    "aws:sns/topic:Topic": _kind("aws_sns_topic"),
    "aws:sns/topicPolicy:TopicPolicy": _kind("aws_sns_topic_policy"),
    "aws:sns/topicSubscription:TopicSubscription": _kind(
        "aws_sns_topic_subscription", topic="topic_arn"
    ),
    "aws:sqs/queue:Queue": _kind("aws_sqs_queue"),
    "aws:sqs/redrivePolicy:RedrivePolicy": _kind("aws_sqs_queue_redrive_policy"),
    "aws:wafv2/webAcl:WebAcl": _kind("aws_wafv2_web_acl"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": _kind("aws_wafv2_web_acl_association"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _kind(
        "aws_wafv2_web_acl_logging_configuration"
    ),
    "aws:xray/samplingRule:SamplingRule": _kind("aws_xray_sampling_rule"),
}

# Terraform names these blocks in the plural.
_PLURAL = frozenset({"api_stages", "managed_rule_group_configs"})


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _singular(name: str) -> str:
    if name in _PLURAL:
        return name
    for plural, singular in (("ies", "y"), ("ses", "s"), ("xes", "x"), ("s", "")):
        if name.endswith(plural):
            return name.removesuffix(plural) + singular
    return name


def _of(resource: Resource) -> Kind:
    if resource.kind not in KINDS and resource.own:
        module, _, name = resource.kind.removeprefix("aws:").partition("/")
        return _kind(f"aws_{module}_{_snake(name.partition(':')[2])}")
    if resource.kind not in KINDS:
        raise RenderError(
            f"{resource.kind} ({resource.name}): the scan does not know the name of this type in "
            "Terraform; add it to KINDS in tools/checks/terraform_json.py"
        )
    return KINDS[resource.kind]


def property_types(args: type) -> dict[str, Any]:
    """Return the types of the constructor's parameters by camelCase name."""
    module = vars(sys.modules[args.__module__])
    names = {**vars(pulumi.output), **module}
    hints = typing.get_type_hints(vars(args)["__init__"], names)
    return {
        re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name): _plain(hint)
        for name, hint in hints.items()
    }


def _plain(hint: Any) -> Any:
    """Return the value type of an Input[...], the first member of that union."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Union else hint


def _block(values: Properties, args: type, renamed: Mapping[str, str], where: str) -> Properties:
    hints, block = property_types(args), {}
    for name, value in values.items():
        if name not in hints:
            raise RenderError(f"{where}: the AWS provider has no property {name}")
        argument = renamed.get(name, _snake(name))
        hint = hints[name]
        if typing.get_origin(hint) is collections.abc.Sequence:
            (item,) = map(_plain, typing.get_args(hint))
            if inspect.isclass(item) and item.__name__.endswith("Args"):
                argument = renamed.get(name, _singular(argument))
                value = [_block(entry, item, {}, f"{where}.{name}") for entry in value]
        elif inspect.isclass(hint) and hint.__name__.endswith("Args"):
            value = _block(value, hint, {}, f"{where}.{name}")
        block[argument] = "bundle.zip" if isinstance(value, pulumi.Archive) else value
    return block


def argument_type(kind: str) -> type:
    """Return pulumi_aws's class of a resource's arguments."""
    module, _, name = kind.removeprefix("aws:").partition("/")
    package = importlib.import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
    name = name.partition(":")[2]
    # A block of another resource may have the name of the arguments.
    args: type = getattr(package, f"{name}InitArgs", None) or getattr(package, f"{name}Args")
    return args


def _arguments(resource: Resource) -> Properties:
    renamed, args = _of(resource).renamed, argument_type(resource.kind)
    # Pulumi creates a replacement first, and `protect` prevents a deletion.
    lifecycle = {"create_before_destroy": True, "prevent_destroy": resource.protect}
    where = f"{resource.kind} ({resource.name})"
    return {**_block(resource.inputs, args, renamed, where), "lifecycle": lifecycle}


def render(resources: Iterable[Resource]) -> dict[str, Properties]:
    """Return Terraform JSON files by name: one for each resource type.

    Raises RenderError for an unknown type or property, and for two resources of one type and name.
    """
    files: dict[str, Properties] = {}
    for resource in resources:
        if resource.component or not resource.kind.startswith("aws:"):
            continue
        type_ = _of(resource).type
        file = files.setdefault(f"{type_}.tf.json", {"resource": {type_: {}}})
        if resource.name in file["resource"][type_]:
            raise RenderError(
                f"{resource.kind} ({resource.name}): another resource has this type and name"
            )
        file["resource"][type_][resource.name] = _arguments(resource)
    return files


class _Referring(pulumi_program.MockEngine):
    """A MockEngine with Terraform references as ids and outputs, so that inputs hold them."""

    def create(self, resource: Resource) -> tuple[str, Properties]:
        _, outputs = super().create(resource)
        if resource.component:
            return "", {}
        kind = _of(resource)

        def reference(output: str) -> str:
            attribute = kind.renamed.get(output, _snake(output))
            return f"${{{kind.type}.{resource.name}.{attribute}}}"

        return reference("id"), {
            name: reference(name) if isinstance(value, str) else value
            for name, value in outputs.items()
        }


def declared_resources(stack: str, config: Mapping[str, str] | None = None) -> list[Resource]:
    """Return the declared resources with Terraform references between them.

    `config` replaces Pulumi.<stack>.yaml.
    """
    engine = _Referring()
    pulumi_program.run(engine, stack=stack, config=config)
    return engine.resources
