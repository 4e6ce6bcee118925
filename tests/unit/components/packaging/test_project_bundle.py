"""The bundle of this project's package."""

import pytest

from components.packaging import project_bundle as bundles
from function.declare.job import Job
from function.declare.permission import ServicePermission
from function.declare.trigger import ScheduleTrigger

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance


def test_a_declared_service_is_in_the_bundle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job(
        trigger=ScheduleTrigger("rate(1 day)"),
        summary="Report.",
        handle=print,
        permissions=(ServicePermission("polly", "*", ("polly:SynthesizeSpeech",)),),
    )
    monkeypatch.setattr(bundles, "load_jobs", lambda: {"report": job})
    assert "polly" in bundles.project_bundle().services


def test_only_the_bundle_of_the_authorizers_carries_their_library() -> None:
    own, theirs = bundles.project_bundle().files(), bundles.authorizer_bundle().files()
    carried = ("jwt/__init__.py", "cryptography/__init__.py", "function/authorizers/__init__.py")
    assert not own.keys() & {*carried, "function/runtime/authorizer/handler.py"}
    assert theirs.keys() >= {*carried, "function/runtime/authorizer/handler.py"}
    assert not [name for name in theirs if name.endswith(("requirements.in", "requirements.txt"))]
