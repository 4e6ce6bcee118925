"""Paths and permissions boundaries of the roles."""

import pytest

from components.iam import policies
from local import stack_files
from tests.conftest import declare, every

pytestmark = pytest.mark.conformance

PROJECT = stack_files.project_name()
STACKS = stack_files.stacks()


@pytest.mark.parametrize("stack", STACKS)
def test_roles_stay_under_the_stacks_path_and_boundary(
    monkeypatch: pytest.MonkeyPatch, stack: str
) -> None:
    # The boundary of the account may lack the rights for a newly declared service.
    monkeypatch.setattr(policies, "check_boundary", lambda *_: None)
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    resources = declare(stack, manage_api_gateway_account="false", permissions_boundary=boundary)
    roles = every(resources, "aws:iam/role:Role")
    assert {role["path"] for role in roles} == {f"/{PROJECT}/{stack}/"}
    assert {role["permissionsBoundary"] for role in roles} == {boundary}
