"""The API's function: its settings, its log group, its permissions."""

import pytest

from components import resource_prefix
from components.errors import ConfigError
from components.packaging.archive import files_in
from function.declare import registry
from function.declare.permission import ServicePermission
from local import stack_files
from tests.conftest import NAME, declare, every, one

PROJECT = stack_files.project_name()
STACKS = stack_files.stacks()


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_the_function_is_traced_on_arm64_and_published(stack: str) -> None:
    for function in every(declare(stack), "aws:lambda/function:Function"):
        assert function["architectures"] == ["arm64"]
        assert function["tracingConfig"] == {"mode": "Active"}
        assert function["publish"] is True
        assert function["loggingConfig"]["logFormat"] == "JSON"
        names = set(files_in(function["code"]))
        assert (
            "function/runtime/api_handler.py" in names and "aws_xray_sdk/core/recorder.py" in names
        )


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_log_groups_come_first_are_kept_as_long_as_configured_and_go_with_the_stack(
    stack: str,
) -> None:
    resources = {(r.kind, r.name): r for r in declare(stack, log_retention_days="14")}
    for kind, name in (
        ("aws:lambda/function:Function", f"{resource_prefix(PROJECT, stack)}-function"),
        ("aws:apigateway/stage:Stage", f"{resource_prefix(PROJECT, stack)}-api"),
    ):
        group = resources["aws:cloudwatch/logGroup:LogGroup", name]
        assert group.inputs["retentionInDays"] == 14 and not group.retained
        assert group.urn in resources[kind, name].depends_on


def test_a_timeout_shorter_than_a_declared_call_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ServicePermission("s3", "*", ("s3:GetObject",), timeout_s=4)  # 11 s with its retry
    endpoint = registry.load_endpoints()[0]
    endpoint = endpoint._replace(permissions=(*endpoint.permissions, slow))
    monkeypatch.setattr(registry, "load_endpoints", lambda: (endpoint,))
    with pytest.raises(ConfigError, match=r": a call may take 11 s .* set timeout_s \(now 11\)"):
        declare(timeout_s="11")
    assert one(declare(timeout_s="12"), "aws:lambda/function:Function", f"{NAME}-function")
