"""The local engine: the order of deletions."""

from types import SimpleNamespace
from typing import Any

import pytest

from local import demo, provisioner, pulumi_program
from local.deployment import Deployer
from local.pulumi_program import Resource


def _resource(name: str, visibility: int, kind: str = "aws:sqs/queue:Queue") -> Resource:
    inputs = {"visibility": visibility}
    return Resource(kind=kind, name=name, urn=name, parent="", inputs=inputs)


class _Engine:
    """A deployer without an emulator, and the names of created and deleted resources."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        emulator: Any = SimpleNamespace(account="123456789012", region="eu-central-1")
        self.deployer = Deployer(emulator, lambda *_: None)
        self.deleted: list[str] = []
        self._patch = patch
        patch.setattr(provisioner, "provision", self._provision)

    def _provision(self, *arguments: Any) -> provisioner.Provisioned:
        name = f"{arguments[1].name} {arguments[1].inputs['visibility']}"
        return provisioner.Provisioned(id=name, delete=lambda: self.deleted.append(name))

    def deploy(self, *resources: Resource) -> None:
        """Run a program that declares these resources."""

        def run(deployer: Deployer, **_: Any) -> pulumi_program.Outputs:
            for resource in resources:
                deployer.create(resource)
            return pulumi_program.Outputs(values={}, secret=frozenset())

        self._patch.setattr(pulumi_program, "run", run)
        self.deployer.run("dev", {})


@pytest.fixture(name="engine")
def _engine(monkeypatch: pytest.MonkeyPatch) -> _Engine:
    return _Engine(monkeypatch)


def test_dependents_are_deleted_before_a_replaced_resource(engine: _Engine) -> None:
    """Without its job, a queue is replaced; the job's redrive policy belongs to the former one."""
    kept = _resource("kept", 0)
    engine.deploy(_resource("queue", 6), _resource("redrive", 1), kept)
    engine.deploy(kept, _resource("queue", 30))
    assert engine.deleted == ["redrive 1", "queue 6"]
    engine.deployer.destroy()
    assert engine.deleted[2:] == ["queue 30", "kept 0"]


def test_a_type_that_the_local_run_lacks_is_a_line(
    engine: _Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.deployer = Deployer(engine.deployer._stack, demo.progress)
    engine.deploy(_resource("films", 1, "aws:medialive/channel:Channel"))
    assert "films" in (line := capsys.readouterr().out) and line.count("\n") == 1
    assert "not emulated: the local run lacks this type" in line
