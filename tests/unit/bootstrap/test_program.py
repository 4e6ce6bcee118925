"""The program of `bootstrap`, under mocks."""

import pytest

from function.declare import authorizer_registry
from function.declare.authorizer import Authorizer
from function.declare.permission import ServicePermission
from local import pulumi_program, stack_files


def declared(kind: str) -> list[pulumi_program.Resource]:
    """Return the resources of a kind that the program declares for the example's account."""
    folder = stack_files.ROOT / "bootstrap"
    config = stack_files.stack_config("example", folder)
    engine = pulumi_program.MockEngine()
    pulumi_program.run(engine, stack="example", config=config, folder=folder)
    return [resource for resource in engine.resources if resource.kind == kind]


def test_the_keys_that_encrypt_data_are_protected() -> None:
    keys = declared("aws:kms/key:Key")
    assert keys and all(key.protect for key in keys)


def test_every_boundary_allows_the_services_of_an_authorizer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allowed = ServicePermission("ssm", "arn:aws:ssm:*:*:parameter/x", ("ssm:GetParameter",))
    authorizer = Authorizer(lambda _: None, permissions=(allowed,))
    monkeypatch.setattr(authorizer_registry, "load_authorizers", lambda: {"partner": authorizer})
    policies = declared("aws:iam/policy:Policy")
    boundaries = [one for one in policies if one.name.endswith("-boundary")]
    assert boundaries
    assert all("ssm:GetParameter" in boundary.inputs["policy"] for boundary in boundaries)
