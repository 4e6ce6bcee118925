"""From a declared resource to boto3 calls: what each translation works with, and their table.

A translation takes every property that it handles out of what is declared. What it leaves, and a
type that no translation knows, is an error that names it, so nothing is ever silently left out.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local.ministack import MiniStack
from local.program import Properties, Resource


class TranslationError(NotImplementedError):
    """A declared type or property that the local run does not know."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a translation works with: the emulator, and the resource's region and logical name.

    `before` is what there is of the resource, where it is to be updated in place.
    """

    stack: MiniStack
    region: str
    logical_name: str
    suffix: str
    before: "Created | None" = None

    def physical_name(self, declared: Properties) -> str:
        """Return the declared name, or one with a random suffix, as Pulumi auto-names."""
        return str(declared.pop("name", f"{self.logical_name}-{self.suffix}"))


@dataclass(frozen=True, kw_only=True)
class Created:
    """A resource in the emulator: its id, the outputs beside its inputs, and how it is deleted."""

    id: str
    outputs: Properties = field(default_factory=dict)
    delete: Callable[[], object]
    suffix: str = ""


Translation = Callable[[Context, Properties], Created]

TRANSLATIONS: dict[str, Translation] = {}

# The types that are updated in place; every other is replaced where its properties change.
IN_PLACE: set[str] = set()

# What the emulator cannot hold, and why; the local run says so in a line per resource.
NOT_EMULATED: Mapping[str, str] = {
    "aws:xray/samplingRule:SamplingRule": "MiniStack has no X-Ray API",
}

_KEY = "its KMS key is taken without a look at who may use it"

# What the emulator does otherwise than AWS, of a type or of a type's property, so that nobody
# concludes from it; said likewise.
DIFFERENT: Mapping[str, str] = {
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        "a retry comes after 1 s, then 2; on AWS after 1 min, then 2"
    ),
    "aws:cloudwatch/logGroup:LogGroup.kmsKeyId": _KEY,
    "aws:dynamodb/table:Table.serverSideEncryption": _KEY,
    "aws:lambda/function:Function.kmsKeyArn": _KEY,
    "aws:secretsmanager/secret:Secret.kmsKeyId": _KEY,
    "aws:sns/topic:Topic.kmsMasterKeyId": _KEY,
}


def different(resource: Resource) -> str:
    """Return what the emulator does otherwise with a resource; "" for nothing."""
    places = (resource.kind, *(f"{resource.kind}.{name}" for name in resource.inputs))
    return "; ".join(DIFFERENT[place] for place in places if place in DIFFERENT)


def translates(kind: str, *, in_place: bool = False) -> Callable[[Translation], Translation]:
    """Enter a function as the translation of a resource type.

    One that works `in_place` sets anew what is there under the same name.
    """

    def enter(translation: Translation) -> Translation:
        TRANSLATIONS[kind] = translation
        if in_place:
            IN_PLACE.add(kind)
        return translation

    return enter


# Keys that boto3 spells in its own way.
_SPELLINGS = {"cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled"}


def pascal(value: Any) -> Any:
    """Return Pulumi's camelCase keys as boto3's PascalCase, at every depth."""
    if isinstance(value, dict):
        return {_SPELLINGS.get(k, k[:1].upper() + k[1:]): pascal(v) for k, v in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value


def present(declared: Properties, **renamed: str) -> Properties:
    """Take out the properties that are declared, each under its boto3 name."""
    return {to: declared.pop(name) for name, to in renamed.items() if name in declared}


def tag_list(declared: Properties) -> list[dict[str, str]]:
    """Take out the tags, in the form of most services."""
    return [{"Key": k, "Value": v} for k, v in declared.pop("tags", {}).items()]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _left(value: Any, path: str) -> list[str]:
    """Return the paths of what a translation did not take out."""
    if not isinstance(value, dict):
        return [path]
    return [found for k, v in value.items() for found in _left(v, f"{path}.{k}" if path else k)]


def create(
    stack: MiniStack, region: str, resource: Resource, before: Created | None = None
) -> Created:
    """Create a declared resource; where there is one `before`, update or replace it by its type.

    A replaced one is the caller's to delete. Raises TranslationError for a type or a property
    that no translation handles.
    """
    translation = TRANSLATIONS.get(resource.kind)
    if not translation:
        raise TranslationError(
            f"{resource.kind} ({resource.name}): the local run has no translation for this type; "
            "add one in local/resources/"
        )
    declared = _copy(resource.inputs)
    before = before if resource.kind in IN_PLACE else None
    context = Context(
        stack=stack,
        region=region,
        logical_name=resource.name,
        suffix=before.suffix if before else secrets.token_hex(4)[:7],
        before=before,
    )
    created = translation(context, declared)
    if unknown := sorted(_left(declared, "")):
        raise TranslationError(
            f"{resource.kind} ({resource.name}): the local run does not know {', '.join(unknown)}; "
            "add it to the type's translation in local/resources/"
        )
    outputs = {**resource.inputs, "region": region, **created.outputs}
    return replace(created, outputs=outputs, suffix=context.suffix)
