"""The shipped stacks: decisions of their operators, not rules of the framework."""

import pytest
import yaml

from local.stack_files import ROOT
from tests.conftest import declare, one


def test_prod_protects_its_data_and_dev_does_not() -> None:
    prod, dev = (one(declare(stack), "aws:dynamodb/table:Table") for stack in ("prod", "dev"))
    assert prod["deletionProtectionEnabled"] and prod["pointInTimeRecovery"]["enabled"]
    assert not dev["deletionProtectionEnabled"]


def test_one_stack_owns_the_accounts_settings_and_leaves_them_to_the_others() -> None:
    kind = "aws:apigateway/account:Account"
    resources = {r.kind: r for r in declare("dev")}
    assert resources[kind].retained
    assert resources[kind].urn in resources["aws:apigateway/stage:Stage"].depends_on
    assert kind not in {r.kind for r in declare("prod")}


@pytest.mark.parametrize("stack", ("dev", "prod"))
def test_a_stack_has_at_most_fifty_resources(stack: str) -> None:
    assert len([resource for resource in declare(stack) if not resource.component]) <= 50


@pytest.mark.parametrize("stack", ("dev", "prod"))
def test_a_stacks_file_is_as_the_cli_writes_it_but_for_the_namespace(stack: str) -> None:
    """In the order of full names, and `"true"` for `true`: else `stack init` changes that, too."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert [*config] == sorted(config, key=lambda key: key if ":" in key else f"epoch:{key}")
    assert all(isinstance(value, (str, dict)) for value in config.values())
