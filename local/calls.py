"""Resource types that one boto3 call creates and another one deletes, as tables of names.

botocore knows the arguments of each operation, so only names that differ from Pulumi's are listed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from local.provisioner import Context, Provisioned
from local.pulumi_program import Properties


def _shape(client: Any, operation: str) -> Any:
    model = client.meta.service_model
    return model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape


def _convert(value: Any, shape: Any, renamed: Mapping[str, str]) -> Any:
    """Return a value in the structure of a botocore shape, with its spelling of the keys.

    botocore rejects a key that the shape lacks.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        spelling = {member.lower(): member for member in shape.members}
        members = {renamed.get(k, k).rpartition(".")[2]: v for k, v in value.items()}
        members = {spelling.get(k.lower(), k): v for k, v in members.items()}
        return {
            k: _convert(v, shape.members[k], renamed) if k in shape.members else v
            for k, v in members.items()
        }
    if shape.type_name == "map":
        return {k: _convert(v, shape.value, renamed) for k, v in value.items()}
    if shape.type_name == "list":
        pair = getattr(shape.member, "members", ())
        if isinstance(value, dict) and len(pair) == 2:  # tags and dimensions
            return [dict(zip(pair, item)) for item in value.items()]
        items = value if isinstance(value, list) else [value]
        return [_convert(item, shape.member, renamed) for item in items]
    if shape.type_name == "string" and not isinstance(value, str):
        return json.dumps(value)
    return value


_SAME: Mapping[str, str] = MappingProxyType({})


def arguments(
    client: Any, operation: str, declared: Properties, renamed: Mapping[str, str] = _SAME
) -> Properties:
    """Take out the properties that an operation accepts, as its arguments.

    `renamed` gives boto3's names, at any depth, for properties that differ by more than case. A
    name with a dot leads into an argument.
    """
    shape, taken = _shape(client, operation), Properties()
    spelling = {member.lower(): member for member in shape.members}
    for name in tuple(declared):
        outer, _, inner = renamed.get(name, name).partition(".")
        if argument := spelling.get(outer.lower()):
            value = declared.pop(name)
            taken[argument] = taken.get(argument, {}) | {inner: value} if inner else value
    converted: Properties = _convert(taken, shape, renamed)
    return converted


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The boto3 operations that create, update and delete the resources of a type.

    Without `delete`, a resource disappears with the one that it belongs to. Each operation of
    `after` runs after the creation if one of its arguments is declared. `named` is the argument
    for the physical name, `renamed` those that `arguments` explains. The `{fields}` in `id`,
    `outputs` and `deletion` are arguments and the response of the creation, region and account.
    """

    create: str
    id: str
    update: str = ""
    after: tuple[str, ...] = ()
    delete: str = ""
    named: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Properties = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    deletion: Properties = field(default_factory=dict)

    def provision(self, context: Context, declared: Properties) -> Provisioned:
        """Create or update a resource."""
        client, renamed = context.client, dict(self.renamed)
        if self.named:
            declared["physicalName"] = context.physical_name(declared)
            renamed["physicalName"] = self.named
        operation = self.update if context.before else self.create
        given = {**self.fixed, **arguments(client, operation, declared, renamed)}
        response = getattr(client, operation)(**given)
        known = {"region": context.region, "account": context.stack.account, **response, **given}

        def same(following: str) -> Properties:
            return {
                name: known[name] for name in _shape(client, following).members if name in known
            }

        for following in self.after:
            if more := arguments(client, following, declared, renamed):
                getattr(client, following)(**same(following), **more)
        delete: Callable[[], object] = lambda: None  # noqa: E731
        if self.delete:
            own = {
                name: value.format(**known) if isinstance(value, str) else value
                for name, value in self.deletion.items()
            }
            doomed = _convert(same(self.delete) | own, _shape(client, self.delete), {})
            delete = partial(getattr(client, self.delete), **doomed)
        return Provisioned(
            id=self.id.format(**known),
            outputs={name: text.format(**known) for name, text in self.outputs.items()},
            delete=delete,
        )
