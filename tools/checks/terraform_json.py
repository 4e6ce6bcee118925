"""Writes the declared resources as Terraform JSON.

pulumi-aws is the Terraform provider with other names: a type token is a resource type, a
camelCase property is an argument, a list of objects is a repeated block named in the singular. The
tables here hold the exceptions. An unknown property is an error.
"""

import collections.abc
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from local import pulumi_program
from local.pulumi_program import Properties, Resource


class RenderError(NotImplementedError):
    """A declared property does not exist, or two resources have one name."""


# Types whose name in Terraform is not `aws_<module>_<resource>`.
TYPES: Mapping[str, str] = {"aws:sqs/redrivePolicy:RedrivePolicy": "aws_sqs_queue_redrive_policy"}
_MODULES: Mapping[str, str] = {"apigateway": "api_gateway"}

# Properties with an irregular name, by type.
RENAMED: Mapping[str, Mapping[str, str]] = {
    "aws:apigateway/basePathMapping:BasePathMapping": {"restApi": "api_id"},
    "aws:apigateway/deployment:Deployment": {"restApi": "rest_api_id"},
    "aws:apigateway/methodSettings:MethodSettings": {"restApi": "rest_api_id"},
    "aws:apigateway/stage:Stage": {"restApi": "rest_api_id", "deployment": "deployment_id"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name": "alarm_name"},
    "aws:lambda/function:Function": {"code": "filename", "name": "function_name"},
    "aws:lambda/permission:Permission": {"function": "function_name"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": "topic_arn"},
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


def _type(kind: str) -> str:
    """Return the Terraform type of a Pulumi type, such as `aws:sqs/queue:Queue`."""
    module, _, name = kind.removeprefix("aws:").partition("/")
    regular = f"aws_{_MODULES.get(module, module)}_{_snake(name.partition(':')[2])}"
    return TYPES.get(kind, regular)


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
    renamed, args = RENAMED.get(resource.kind, {}), argument_type(resource.kind)
    # Pulumi creates a replacement first, and `protect` prevents a deletion.
    lifecycle = {"create_before_destroy": True, "prevent_destroy": resource.protect}
    where = f"{resource.kind} ({resource.name})"
    return {**_block(resource.inputs, args, renamed, where), "lifecycle": lifecycle}


def render(resources: Iterable[Resource]) -> dict[str, Properties]:
    """Return Terraform JSON files by name: one for each resource type.

    Raises RenderError for an unknown property, and for two resources of one type and name.
    """
    files: dict[str, Properties] = {}
    for resource in resources:
        if resource.component or not resource.kind.startswith("aws:"):
            continue
        type_ = _type(resource.kind)
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
        renamed = RENAMED.get(resource.kind, {})

        def reference(output: str) -> str:
            attribute = renamed.get(output, _snake(output))
            return f"${{{_type(resource.kind)}.{resource.name}.{attribute}}}"

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
