"""Runs of the program under Pulumi mocks."""

from pathlib import Path

import pytest

from local import pulumi_program, stack_files
from tests.conftest import plain

pytestmark = pytest.mark.conformance

STACKS = stack_files.stacks()
STACK = STACKS[-1]


def test_after_a_run_whose_resource_is_refused_the_next_is_as_ever() -> None:
    class Refusing(pulumi_program.MockEngine):
        """An engine that takes no log group."""

        def create(
            self, resource: pulumi_program.Resource
        ) -> tuple[str, pulumi_program.Properties]:
            if resource.kind == "aws:cloudwatch/logGroup:LogGroup":
                raise RuntimeError("refused")
            return super().create(resource)

    with pytest.raises(RuntimeError, match="refused"):
        pulumi_program.run(Refusing(), stack=STACK, config=plain())
    assert pulumi_program.declared_resources(STACK, config=plain())


def test_a_program_may_block_longer_than_it_may_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi_program, "IDLE_S", 0.1)
    (tmp_path / "Pulumi.yaml").write_text("name: slow\n")
    (tmp_path / "__main__.py").write_text(
        "import time, pulumi\ntime.sleep(0.2)\npulumi.ComponentResource('a:b:C', 'one')\n"
        "pulumi.export('made', 1)\n"
    )
    outputs = pulumi_program.run(
        pulumi_program.MockEngine(), stack=STACK, config={}, folder=tmp_path
    )
    assert outputs.values == {"made": 1}
