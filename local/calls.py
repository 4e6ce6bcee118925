"""Resource types that one boto3 call creates and another one deletes, as tables of names.

botocore knows the arguments of each operation, so only names that differ from Pulumi's are listed.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
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


def arguments(
    client: Any,
    operation: str,
    declared: Properties,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Properties:
    """Take out the properties that an operation accepts, as its arguments.

    A member of an argument may be a property of its own, as the provider flattens structures.
    `renamed` gives boto3's names, at any depth, for properties that differ by more than case. A
    name with a dot leads into an argument.
    """
    shape, taken = _shape(client, operation), Properties()
    places = {
        inner.lower(): f"{outer}.{inner}"
        for outer, member in shape.members.items()
        for inner in getattr(member, "members", ())
    }
    places |= {member.lower(): member for member in shape.members}
    for name in tuple(declared):
        given, dot, rest = renamed.get(name, name).partition(".")
        if place := places.get(given.lower()):
            outer, _, inner = f"{place}{dot}{rest}".partition(".")
            value = declared.pop(name)
            taken[outer] = taken.get(outer, {}) | {inner: value} if inner else value
    converted: Properties = _convert(taken, shape, renamed)
    return converted


def _flat(response: Properties) -> Properties:
    """Return the members of a response and of the structures in it."""
    nested = [value for value in response.values() if isinstance(value, dict)]
    return {k: v for each in (*nested, response) for k, v in each.items()}


@dataclass(frozen=True)
class Calls:
    """The boto3 operations that create, update and delete the resources of a type.

    An update repeats a creation that puts or sets something. The default of `delete` is the
    `delete_` operation of the same noun; None: the resource disappears with the one that it belongs
    to. Each operation of `after` runs after the creation if one of its arguments is declared.

    `adapt` changes the declared properties first; `empty` runs before the deletion. `named` is the
    argument for the physical name, `renamed` those that `arguments` explains. The `{fields}` in id,
    ARN and outputs are the arguments and the response of the creation, region, account and `name`.
    The deletion has the arguments of the same names; a required one without a value is the id, by
    default the physical name.
    """

    create: str
    _: KW_ONLY
    update: str = ""
    after: tuple[str, ...] = ()
    delete: str | None = ""
    adapt: Callable[[Context, Properties], object] = lambda _, __: None
    empty: Callable[[Any, Properties], object] = lambda _, __: None
    named: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    arn: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    deletion: Mapping[str, Any] = field(default_factory=dict)

    @property
    def updates(self) -> str:
        """The operation that updates a resource in place; "" if there is none."""
        return self.update or (self.create if self.create.startswith(("put_", "set_")) else "")

    @property
    def deletes(self) -> str:
        """The operation that deletes a resource; "" if there is none."""
        if self.delete is None:
            return ""
        return self.delete or f"delete_{self.create.partition('_')[2]}"

    def provision(self, context: Context, declared: Properties) -> Provisioned:
        """Create or update a resource."""
        client, renamed = context.client, {**self.renamed, "physicalName": self.named}
        known = {"region": context.stack.region, "account": context.stack.account}
        self.adapt(context, declared)
        if self.named:
            known["name"] = declared["physicalName"] = context.physical_name(declared)
        operation = self.updates if context.before else self.create
        given = {**self.fixed, **arguments(client, operation, declared, renamed)}
        known |= _flat(getattr(client, operation)(**given)) | given

        def same(following: str) -> Properties:
            return {k: known[k] for k in _shape(client, following).members if k in known}

        for following in self.after:
            if more := arguments(client, following, declared, renamed):
                getattr(client, following)(**same(following), **more)

        def delete() -> None:
            self.empty(client, known)
            if self.deletes:
                shape = _shape(client, self.deletes)
                own = dict.fromkeys(shape.required_members, identity) | same(self.deletes)
                own |= self.deletion
                getattr(client, self.deletes)(**_convert(own, shape, {}))

        identity = self.id.format(**known) or known.get("name", "")
        texts = {"arn": self.arn, **self.outputs} if self.arn else self.outputs
        # An attribute that the response lacks is empty, such as the stream of a table without one.
        fields = defaultdict(str, known)
        outputs = {name: text.format_map(fields) for name, text in texts.items()}
        outputs |= {"name": known["name"]} if self.named else {}
        return Provisioned(id=identity, outputs=outputs, delete=delete)
