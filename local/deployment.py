"""The engine of a local stack: it creates, updates and deletes the declared resources."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from local import provisioner, pulumi_program
from local.ministack import MiniStack
from local.pulumi_program import Resource
from local.resources import compute

# Called with each resource and the seconds it took; None: the emulator does not support it.
Progress = Callable[[Resource, float | None], None]


class DeployError(RuntimeError):
    """The emulator refused to create or delete a declared resource, or stopped."""


class _Deployed(NamedTuple):
    """A resource in the emulator, with its declaration and the fingerprint of that.

    `number` is its place in the order of the last run that declared it.
    """

    resource: Resource
    fingerprint: str
    provisioned: provisioner.Provisioned
    number: int


class Deployer:
    """An engine that makes the emulator hold the resources of a program, and can delete them.

    It can run a changed program again. It then updates or replaces each changed resource, and
    last deletes the replaced ones and those that the program no longer declares.
    """

    partition = "aws"

    def __init__(self, stack: MiniStack, progress: Progress) -> None:
        self._stack = stack
        self._progress = progress
        self._lock = threading.Lock()
        self._deployed: dict[str, _Deployed] = {}  # by URN
        self._replaced: list[_Deployed] = []
        self._numbers = itertools.count()
        self.account = stack.account

    def run(self, stack: str, config: Mapping[str, str]) -> pulumi_program.Outputs:
        """Run the program and return its outputs.

        Raises DeployError with the resource's name if the emulator refuses one; the former
        resources then stay.
        """
        first = next(self._numbers)
        outputs = pulumi_program.run(self, stack=stack, config=config)
        gone = [urn for urn, each in self._deployed.items() if each.number < first]
        removed = [self._deployed.pop(urn) for urn in gone]
        doomed, self._replaced = [*removed, *self._replaced], []
        _delete_all(doomed)
        return outputs

    def policy(self, arn: str) -> str:
        """Return the document of an IAM policy, read as the deploying role."""
        iam = self._stack.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return json.dumps(found["Document"])

    def create(self, resource: Resource) -> tuple[str, dict[str, Any]]:
        """Return a resource's id and outputs; create or update it unless it is unchanged."""
        before, fingerprint = self._deployed.get(resource.urn), _fingerprint(resource)
        unchanged = before and before.fingerprint == fingerprint
        made = before.provisioned if before and unchanged else self._provision(resource, before)
        with self._lock:
            number = next(self._numbers)
            self._deployed[resource.urn] = _Deployed(resource, fingerprint, made, number)
            if before and not unchanged and resource.kind not in provisioner.UPDATABLE:
                self._replaced.append(before)
        return made.id, made.outputs

    def _provision(self, resource: Resource, before: _Deployed | None) -> provisioner.Provisioned:
        started = time.perf_counter()
        if resource.component:
            self._progress(resource, 0)
            return provisioner.Provisioned()
        if resource.kind not in provisioner.PROVISIONERS:
            self._progress(resource, None)
            assumed = pulumi_program.MockEngine(region=self._stack.region, account=self.account)
            identity, outputs = assumed.create(resource)
            return provisioner.Provisioned(id=identity, outputs=outputs)
        existing = before.provisioned if before else None
        with _errors_name(resource):
            provisioned = provisioner.provision(self._stack, resource, existing)
        self._progress(resource, time.perf_counter() - started)
        return provisioned

    def destroy(self) -> None:
        """Delete all resources, newest first; continue after a failed deletion, then raise its
        DeployError."""
        _delete_all([*self._replaced, *self._deployed.values()])


def _delete_all(doomed: Sequence[_Deployed]) -> None:
    with ExitStack() as deletions:  # runs them all, the last one first
        for each in sorted(doomed, key=lambda each: each.number):
            if not each.resource.retained:
                deletions.callback(_delete, each)


def _delete(deployed: _Deployed) -> None:
    with _errors_name(deployed.resource):
        deployed.provisioned.delete()


def _fingerprint(resource: Resource) -> str:
    """Return a text that changes with a resource's inputs, including the files of an archive."""
    return json.dumps(resource.inputs, sort_keys=True, default=compute.file_stamps)


@contextmanager
def _errors_name(resource: Resource) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise DeployError(f"{resource.kind} ({resource.name}): {error}") from error
