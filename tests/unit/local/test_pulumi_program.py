"""Runs of the program under Pulumi mocks."""

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
