"""The API's function: its settings, its log group, its permissions."""

import pytest

from components import resource_prefix
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
        names = set(function["code"].assets)
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


def test_snap_start_is_for_published_versions() -> None:
    function = one(declare(snap_start="true"), "aws:lambda/function:Function", f"{NAME}-function")
    assert function["snapStart"] == {"applyOn": "PublishedVersions"}
