"""Other AWS services: permitted, bundled and bounded as declared, and named where they are not."""

import json
from typing import Any

import pulumi
import pytest

import function.declare.job_registry
from components.packaging import project_bundle as bundles
from function import settings
from function.declare.job import Job
from function.declare.permission import ServicePermission
from function.declare.registry import reference_errors
from function.declare.setting import Setting
from function.declare.trigger import ScheduleTrigger
from local import pulumi_program
from tests.conftest import NAME, PROJECT, STACK, plain

BUCKET = Setting("bucket", str, description="Where reports lie.", default="reports")
REPORTS = ServicePermission("s3", "arn:aws:s3:::{bucket}/daily/*", ("s3:PutObject",))
BOUNDARY = {f"{PROJECT}:permissions_boundary": "arn:aws:iam::123456789012:policy/limits"}


@pytest.fixture(name="job", autouse=True)
def _job(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Job(ScheduleTrigger("rate(1 day)"), "Report.", print, permissions=(REPORTS,))
    monkeypatch.setattr(settings, "BUCKET", BUCKET, raising=False)
    for module in (function.declare.job_registry, bundles):
        monkeypatch.setattr(module, "load_jobs", lambda: {"report": declared})


def test_the_policy_names_the_resource_with_the_stacks_setting() -> None:
    declared = pulumi_program.declared_resources(STACK, config=plain(bucket="ours"))
    policy = next(r for r in declared if f"{NAME}-job-report-" in r.name and "Policy" in r.kind)
    statements = json.loads(policy.inputs["policy"])["Statement"]
    (reports,) = (one for one in statements if one["Action"] == ["s3:PutObject"])
    assert reports["Resource"] == "arn:aws:s3:::ours/daily/*"


@pytest.mark.parametrize(
    "lacking",
    (
        {"Action": ["s3:GetObject"], "Resource": "*"},
        {"Action": "s3:PutObject", "Resource": ["arn:aws:s3:::reports/*"]},
        {"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
    ),
)
def test_a_boundary_that_lacks_a_service_is_an_error_with_the_way_out(lacking: Any) -> None:
    def declare(statement: dict[str, Any]) -> None:
        limits = json.dumps({"Statement": [{"Effect": "Allow", **statement}]})
        recorder = pulumi_program.MockEngine(limits=limits)
        pulumi_program.run(recorder, stack=STACK, config=plain(bucket="ours") | BOUNDARY)

    with pytest.raises(pulumi.RunError) as refused:  # whose message Pulumi shows alone
        declare(lacking)
    assert "denies s3:PutObject on arn:aws:s3:::ours/daily/* to" in str(refused.value)
    assert "adds declared permissions to it by: pulumi -C bootstrap up" in str(refused.value)
    declare({"Action": "s3:*", "Resource": ["arn:aws:s3:::ours/*"]})


def test_a_setting_that_is_not_declared_is_refused() -> None:
    unknown = REPORTS._replace(resource="arn:aws:s3:::{buckte}")
    (problem,) = reference_errors(unknown)
    assert "unknown setting 'buckte'; known: " in problem
