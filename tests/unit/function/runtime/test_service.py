"""Other AWS services: permitted, bundled and bounded as declared, and named where they are not."""

import json
from typing import Any

import pulumi
import pytest

import function.declare.job_registry
import function.declare.registry
from components.packaging import project_bundle as bundles
from function import settings
from function.declare.errors import DeclarationError
from function.declare.job import Job
from function.declare.permission import ServicePermission
from function.declare.registry import load_endpoints, reference_errors
from function.declare.setting import Setting
from function.declare.trigger import ScheduleTrigger
from function.runtime import aws_client, service
from local import pulumi_program
from tests.conftest import NAME, PROJECT, STACK, plain

BUCKET = Setting("bucket", str, description="Where reports lie.", default="reports")
REPORTS = ServicePermission("s3", "arn:aws:s3:::{bucket}/daily/*", ("s3:PutObject",))
BOUNDARY = {f"{PROJECT}:permissions_boundary": "arn:aws:iam::123456789012:policy/limits"}


@pytest.fixture(name="report", autouse=True)
def _report(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(
        trigger=ScheduleTrigger("rate(1 day)"),
        summary="Report.",
        handle=print,
        permissions=(REPORTS,),
    )
    monkeypatch.setattr(settings, "BUCKET", BUCKET, raising=False)
    monkeypatch.setattr(function.declare.job_registry, "load_jobs", lambda: {"report": job})
    monkeypatch.setattr(bundles, "load_jobs", lambda: {"report": job})


def _config(**more: str) -> dict[str, str]:
    return plain(**more)


def test_the_policy_names_the_resource_with_the_stacks_setting() -> None:
    declared = pulumi_program.declared_resources(STACK, config=_config(bucket="ours"))
    policy = next(
        r for r in declared if r.name.startswith(f"{NAME}-job-report-") and "Policy" in r.kind
    )
    statements = json.loads(policy.inputs["policy"])["Statement"]
    assert [s["Resource"] for s in statements if s["Action"] == ["s3:PutObject"]] == [
        "arn:aws:s3:::ours/daily/*"
    ]


def _bounded(*allowed: dict[str, Any], **changed: Any) -> None:
    """Declare the stack inside a boundary, its job's access changed."""
    statements = [{"Effect": "Allow", **statement} for statement in allowed]
    recorder = pulumi_program.MockEngine(limits=json.dumps({"Statement": statements}))
    job = function.declare.job_registry.load_jobs()["report"]
    own = {"report": job._replace(permissions=(REPORTS._replace(**changed),))}
    elsewhere = [
        e
        for e in load_endpoints()
        if not any(isinstance(a, ServicePermission) for a in e.permissions)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function.declare.job_registry, "load_jobs", lambda: own)
        patch.setattr(function.declare.registry, "load_endpoints", lambda: elsewhere)
        pulumi_program.run(recorder, stack=STACK, config=plain(bucket="ours") | BOUNDARY)


def test_a_boundary_that_lacks_a_service_is_an_error_that_says_how_it_takes_it_in() -> None:
    for lacking in (
        {"Action": ["s3:GetObject"], "Resource": "*"},
        {"Action": "s3:PutObject", "Resource": ["arn:aws:s3:::reports/*"]},
        {"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
    ):
        with pytest.raises(pulumi.RunError) as refused:  # whose message Pulumi shows alone
            _bounded(lacking)
        assert "denies s3:PutObject on arn:aws:s3:::ours/daily/* to" in str(refused.value)
        assert "adds declared permissions to it by: pulumi -C bootstrap up" in str(refused.value)
    _bounded({"Action": "s3:*", "Resource": ["arn:aws:s3:::ours/*"]})


def test_what_would_lead_out_of_every_boundary_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="no permissions boundary may allow iam:PassRole"):
        _bounded({"Action": "*", "Resource": "*"}, actions=("s3:PutObject", "iam:PassRole"))


def test_a_service_outside_the_bundle_fails_with_the_line_to_add() -> None:
    with pytest.raises(DeclarationError) as refused:
        service.call(REPORTS._replace(name="nowhere"), "put_object")
    says = "nowhere is not in the bundle; add ServicePermission(name='nowhere', resource="
    assert says in str(refused.value)


def test_a_refused_action_fails_with_the_line_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutObject")

    monkeypatch.setattr(aws_client, "send", refuse)
    with pytest.raises(DeclarationError, match="add this action and resource to ServicePermission"):
        service.call(REPORTS, "put_object")


def test_a_setting_that_is_not_declared_is_refused() -> None:
    unknown = REPORTS._replace(resource="arn:aws:s3:::{buckte}")
    (problem,) = reference_errors(unknown)
    assert "unknown setting 'buckte'; known: " in problem
