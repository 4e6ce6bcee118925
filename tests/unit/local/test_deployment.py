"""The local engine's order of deletions."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from local import provisioner, pulumi_program
from local.deployment import Deployer
from local.pulumi_program import Resource


def _resource(name: str, **inputs: Any) -> Resource:
    return Resource(kind="aws:sqs/queue:Queue", name=name, urn=name, parent="", inputs=inputs)


def test_dependents_are_deleted_before_a_replaced_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its job, a queue is replaced; the job's redrive policy belongs to the former one."""
    deleted: list[str] = []

    def provision(*arguments: Any) -> provisioner.Provisioned:
        name = f"{arguments[2].name} {arguments[2].inputs['visibility']}"
        return provisioner.Provisioned(id=name, delete=lambda: deleted.append(name))

    def deploy(*resources: Resource) -> None:
        def run(engine: Deployer, **_: Any) -> pulumi_program.Outputs:
            for resource in resources:
                engine.create(resource)
            return pulumi_program.Outputs(values={}, secret=frozenset())

        monkeypatch.setattr(pulumi_program, "run", run)
        deployer.run("dev", {})

    monkeypatch.setattr(provisioner, "provision", provision)
    emulator: Any = SimpleNamespace(account="123456789012")
    deployer = Deployer(emulator, "eu-central-1", lambda *_: None)
    kept = _resource("kept", visibility=0)
    deploy(_resource("queue", visibility=6), _resource("redrive", visibility=1), kept)
    deploy(kept, _resource("queue", visibility=30))
    first: Sequence[str] = tuple(deleted)
    deployer.destroy()
    assert (*first, *deleted[2:]) == ("redrive 1", "queue 6", "queue 30", "kept 0")
