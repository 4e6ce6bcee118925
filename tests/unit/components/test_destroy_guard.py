"""The guard that keeps `pulumi destroy` from data."""

import json

import pytest

from local import stack_files
from tests.conftest import declare

pytestmark = pytest.mark.conformance

STACKS = stack_files.stacks()
STACK = STACKS[-1]


@pytest.mark.parametrize("protect", (True, False))
def test_what_destroy_meets_first_is_behind_everything_and_protected_as_data_is(
    protect: bool,
) -> None:
    resources = declare(STACK, protect_data=json.dumps(protect))
    (guard,) = (one for one in resources if one.kind == "epoch:components:EpochDestroyGuard")
    assert guard.protect is protect
    others = {one.urn for one in resources if not one.component}
    assert others <= set(guard.depends_on)
