"""Tags of all resources."""

import importlib
import inspect

import pytest

from local import stack_files
from tests.conftest import declare

pytestmark = pytest.mark.conformance

PROJECT = stack_files.project_name()
STACKS = stack_files.stacks()


def _takes_tags(kind: str) -> bool:
    """Test that the provider's resource of a type has tags."""
    module, _, name = kind.removeprefix("aws:").partition(":")
    service = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
    resource = getattr(importlib.import_module(f"pulumi_aws.{service}"), name)
    return "tags" in inspect.signature(resource._internal_init).parameters


@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_takes_tags_is_tagged(stack: str) -> None:
    tags = {"project": PROJECT, "stack": stack, "owner": "someone"}
    resources = [resource for resource in declare(stack, owner="someone") if not resource.component]
    wrong = [r.urn for r in resources if _takes_tags(r.kind) != (r.inputs.get("tags") == tags)]
    assert resources and not wrong
