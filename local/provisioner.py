"""Creates a declared resource by boto3 calls: the registry of resource types and its helpers.

A provisioner takes each property that it handles out of the declared ones. The local run prints a
line for a remaining property and for an unknown type, so it never skips one silently.
"""

import copy
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from local.ministack import MiniStack
from local.pulumi_program import Properties, Resource


@dataclass(frozen=True, kw_only=True)
class Context:
    """The emulator and the boto3 client of the type's service, and the resource's logical name.

    `before` is the existing resource, if the provisioner is to update it in place.
    """

    stack: MiniStack
    client: Any
    logical_name: str
    before: "Provisioned | None"

    def physical_name(self, declared: Properties) -> str:
        """Return the declared name, or one with a random suffix, as Pulumi auto-names."""
        if self.before:
            automatic = self.before.outputs["name"]
        else:
            automatic = f"{self.logical_name}-{secrets.token_hex(4)[:7]}"
        return str(declared.pop("name", automatic))

    def own_arn(self, arn: str) -> str:
        """Return an ARN with the emulator's region and account."""
        _, _, service, _, _, own = arn.split(":", 5)
        return f"arn:aws:{service}:{self.stack.region}:{self.stack.account}:{own}"


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """A resource in the emulator: its id, its outputs beside its inputs, and its deletion.

    A resource whose id no program reads has its logical name as id.
    """

    id: str = ""
    outputs: Properties = field(default_factory=dict)
    delete: Callable[[], object] = lambda: None


Provisioner = Callable[[Context, Properties], Provisioned]

PROVISIONERS: dict[str, Provisioner] = {}

# The local run updates these types in place and replaces every other type on a change.
UPDATABLE: set[str] = set()

# The local run prints these reasons instead of creating the resource.
NOT_EMULATED: Mapping[str, str] = {
    "aws:backup/plan:Plan": "the emulator makes no backups",
    "aws:backup/selection:Selection": "the emulator makes no backups",
    "aws:backup/vault:Vault": "the emulator makes no backups",
    "aws:budgets/budget:Budget": "the emulator costs nothing",
    "aws:s3/bucketPolicy:BucketPolicy": "the policy requires TLS, which the emulator lacks",
    "aws:xray/samplingRule:SamplingRule": "MiniStack has no X-Ray API",
}


def provisions(kind: str, *, updatable: bool = False) -> Callable[[Provisioner], Provisioner]:
    """Register the provisioner of a resource type.

    An `updatable` one also updates an existing resource of the same name.
    """

    def register(provisioner: Provisioner) -> Provisioner:
        PROVISIONERS[kind] = provisioner
        if updatable:
            UPDATABLE.add(kind)
        return provisioner

    return register


def service_of(kind: str) -> str:
    """Return boto3's name of a resource type's service."""
    for prefix, service in (("log", "logs"), ("event", "events")):
        if kind.startswith(f"aws:cloudwatch/{prefix}"):
            return service
    service = kind.removeprefix("aws:").partition("/")[0]
    return {"cognito": "cognito-idp"}.get(service, service)


def take(declared: Properties, **renamed: str) -> Properties:
    """Take out the declared ones of these properties, each under its boto3 name."""
    return {to: declared.pop(name) for name, to in renamed.items() if name in declared}


def provision(
    stack: MiniStack, resource: Resource, before: Provisioned | None = None
) -> Provisioned:
    """Create a declared resource of a known type; update the one `before` if its type is updatable.

    The caller deletes a replaced one. An unknown property is a warning.
    """
    declared = copy.deepcopy(resource.inputs)
    declared.pop("triggers", None)  # Pulumi's own: a change of them replaces the resource
    context = Context(
        stack=stack,
        client=stack.client(service_of(resource.kind)),
        logical_name=resource.name,
        before=before if resource.kind in UPDATABLE else None,
    )
    made = PROVISIONERS[resource.kind](context, declared)
    if unknown := ", ".join(sorted(declared)):
        pulumi.log.warn(f"{resource.kind} ({resource.name}): the local run ignores {unknown}")
    outputs = {**resource.inputs, "region": stack.region, **made.outputs}
    return Provisioned(id=made.id or resource.name, outputs=outputs, delete=made.delete)
