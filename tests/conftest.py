"""Fixtures and helpers of several test modules."""

import gc
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from botocore.retries.standard import ExponentialBackoff

import function.declare.job_registry
import function.declare.registry
import function.jobs  # noqa: F401
from components import naming, resource_prefix
from function import buckets, queues, tables, topics
from function.declare import authorizer_registry
from function.declare.auth import Auth, CognitoPool, CustomAuth, Jwt
from function.declare.authorizer import Authorizer
from function.declare.bucket import Bucket
from function.declare.endpoint import Endpoint
from function.declare.job import FailureAlarm, Job
from function.declare.permission import ServicePermission
from function.declare.queue import Queue
from function.declare.registry import load_endpoints, load_settings
from function.declare.table import Table
from function.declare.topic import Topic
from function.declare.trigger import (
    EventTrigger,
    ObjectTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
    TopicTrigger,
)
from local import local_stack, ministack, pulumi_program, stack_files
from local.deployment import Deployer
from local.ministack import MiniStack
from local.stack_files import ROOT
from openapi import samples
from tools.project_copy import copy_of_project

pytest_plugins = ("testing.fixtures",)

ministack.clear_aws_environment()
# A hook's, by which git in any folder would mean the repository that is being pushed.
for _name in ("GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"):
    os.environ.pop(_name, None)

# Before a retry, botocore would wait for up to two seconds.
setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)

# Tests have no secrets of a stack.
os.environ["EPOCH_SECRETS"] = "stand-in"

PROJECT = stack_files.project_name()
STACK = stack_files.default_stack()
NAME = resource_prefix(PROJECT, STACK)
PLANS = {"basic": {"rate_limit": 50, "burst_limit": 100, "quota_per_day": 100_000}}


def assume_role(emulator: MiniStack, role_arn: str, token: str = "") -> MiniStack:
    """Return the emulator with clients that act as a role.

    The emulator's own client assumes the role, or with `token` a web identity does.
    """
    role, sts = {"RoleArn": role_arn, "RoleSessionName": "local"}, emulator.client("sts")
    if token:
        # The emulator requires a signature on this call; AWS and botocore do not.
        signed = "choose-signer.sts.AssumeRoleWithWebIdentity"
        sts.meta.events.register_first(signed, lambda **_: "v4")
        found = sts.assume_role_with_web_identity(**role, WebIdentityToken=token)["Credentials"]
    else:
        found = sts.assume_role(**role)["Credentials"]
    keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return MiniStack(emulator.port, emulator.process, emulator.region, keys, emulator.issuer)


@contextmanager
def beside(
    account: local_stack.Account,
    stack: str,
    config: Mapping[str, str],
    engine: Deployer | None = None,
) -> Iterator[local_stack.LocalStack]:
    """Bring a stack up beside others, as root or by `engine`; delete it on exit.

    `config` overrides Pulumi.<stack>.yaml, if there is one.
    """
    engine = engine or Deployer(account.emulator, lambda *_: None)
    known = stack_files.local_config(stack) if stack in stack_files.stacks() else {}
    try:
        yield local_stack.deploy(account, engine, stack, {**known, **config})
    finally:
        engine.destroy()


def keys(**config: str) -> dict[str, str]:
    """Return config with the project's namespace."""
    return {f"{PROJECT}:{key}": value for key, value in config.items()}


def plain(**config: str) -> dict[str, str]:
    """Return the config of a stack that sets only mandatory keys and the given ones."""
    own = keys(owner="someone", api_keys='{"default": "basic"}', usage_plans=json.dumps(PLANS))
    given = stack_files.stack_config(STACK)
    services = {
        key: given[key] for key in keys(**dict.fromkeys(load_settings(), "")) if key in given
    }
    return {"aws:region": "eu-central-1", **services, **own, **keys(**config)}


@pytest.fixture(scope="session")
def sampled() -> None:
    """Skip where no endpoint has a sample that could be called."""
    if not samples.default_sample(load_endpoints()):
        pytest.skip(samples.NO_SAMPLE)


@pytest.fixture(scope="session")
def local(sampled: None) -> Iterator[local_stack.LocalStack]:
    """Return the default stack, up in the emulator; its calls are of the first declared sample."""
    plans = {**PLANS, "trial": {**PLANS["basic"], "quota_per_day": 2}}
    api_keys = {"default": "basic", "visitor": "trial"}
    with local_stack.up(
        STACK, config=keys(usage_plans=json.dumps(plans), api_keys=json.dumps(api_keys))
    ) as stack:
        yield stack


@pytest.fixture(scope="session")
def copied() -> Callable[[Path], Path]:
    """Return a function that copies the project into a folder."""
    return lambda folder: copy_of_project(folder / "project")


@pytest.fixture
def project(copied: Callable[[Path], Path], tmp_path: Path) -> Path:
    """Return a copy of the project that shares only the installed packages."""
    return copied(tmp_path)


def replace_service(project: Path, service: str = "other_service") -> Path:
    """Put a service of tests/fixtures/, in one stage, into the place of a copy's own."""
    for pattern in ("Pulumi.*.yaml", "function/endpoints/[a-z]*.py", "function/jobs/[a-z]*.py"):
        for path in project.glob(pattern):
            path.unlink()
    shutil.copytree(project / "tests" / "fixtures" / service, project, dirs_exist_ok=True)
    return project


# By these a test copies the project: in a copy it would do so once more.
_COPYING = {"checkout", "copied", "project", "specimen"}
# The modules that take longest.
_LONGEST = ("test_extended_rules.py", "test_extending.py", "test_local_run.py")


def pytest_collection_finish() -> None:
    """Leave the imported packages out of garbage collection, which takes a third of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that copy the project, and those that start a process; the slowest first.

    Modules are in random order. One that takes a minute would otherwise run last and alone.
    """
    for item in items:
        used = {*getattr(item, "fixturenames", ())}
        if _COPYING & used:
            item.add_marker("copying")
        ends = item.path.is_relative_to(ROOT / "tests" / "e2e") and not item.get_closest_marker(
            "socket"
        )
        if _COPYING & used or {"local", "running"} & used or ends:
            item.add_marker("process")
    slow = {item.path for item in items if item.get_closest_marker("copying")}
    items.sort(key=lambda item: (item.path.name not in _LONGEST, item.path not in slow))


def run(
    folder: Path, *command: str | Path, sent: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with `sent` as its input and further environment variables."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        input=sent,
        capture_output=True,
        text=True,
        check=False,
    )


def output(folder: Path, *command: str | Path, **options: str) -> str:
    """Return the output of a command that succeeds; `options` are those of `run`."""
    ended = run(folder, *command, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run_python(folder: Path, *arguments: str, **options: str) -> str:
    """Return the output of a program in Python that succeeds."""
    return output(folder, sys.executable, *arguments, **options)


# Runs in a copy of the project: writes the files that follow from the declarations.
WRITE = """
from tools.checks import snapshot
from tools.docs import diagram
snapshot.main()
diagram.main()
"""


def run_rules(project: Path) -> None:
    """Run the tests of a copy that hold for any declared service.

    Git knows the files of the copy. pytest does not collect the other modules.
    """
    output(project, "git", "init", "-q")
    output(project, "git", "add", ".")
    modules = (project / "tests").rglob("test_*.py")
    marked = [str(path) for path in modules if "mark.conformance" in path.read_text("utf-8")]
    run_python(project, "-m", "pytest", "-q", "-x", "-m", "conformance and not copying", *marked)


@pytest.fixture
def specimen(project: Path) -> Path:
    """Return a copy of the project that holds another service."""
    return replace_service(project)


@cache
def declare(
    stack: str = "", *, preview: bool = False, **config: str
) -> list[pulumi_program.Resource]:
    """Return the declared resources of a stack, with config values on top of its own; without a
    name, of a plain one.

    The same call returns the same list: tests only read it.
    """
    values = stack_files.stack_config(stack) | keys(**config) if stack else plain(**config)
    return pulumi_program.declared_resources(stack or STACK, preview=preview, config=values)


def one(
    resources: list[pulumi_program.Resource], kind: str, name: str = ""
) -> pulumi_program.Properties:
    """Return the inputs of the only resource of a type whose name ends so."""
    (found,) = [r.inputs for r in resources if r.kind == kind and r.name.endswith(name)]
    return found


def allowed(resources: list[pulumi_program.Resource], role: str) -> dict[str, list[str]]:
    """Return the resources of each action that the policy of a role allows."""
    named = re.compile(rf"{role}(-[0-9a-f]{{8}})?")  # a policy ends in a digest of its rights
    (policy,) = [
        r.inputs["policy"]
        for r in resources
        if r.kind == "aws:iam/rolePolicy:RolePolicy" and named.fullmatch(r.name)
    ]
    return {
        action: [arns] if isinstance(arns := statement["Resource"], str) else arns
        for statement in json.loads(policy)["Statement"]
        for action in statement["Action"]
    }


def every(resources: list[pulumi_program.Resource], kind: str) -> list[pulumi_program.Properties]:
    """Return the inputs of the resources of a type; there is at least one."""
    found = [resource.inputs for resource in resources if resource.kind == kind]
    assert found
    return found


def alarms_of(
    resources: list[pulumi_program.Resource],
) -> dict[str, pulumi_program.Properties]:
    """Return the inputs of each alarm by its name without the stack's."""
    return {
        resource.name.removeprefix(f"{NAME}-"): resource.inputs
        for resource in resources
        if resource.kind.endswith(("/metricAlarm:MetricAlarm", "/compositeAlarm:CompositeAlarm"))
    }


def _unused(_: object) -> None:
    raise AssertionError("this is declared only")


@pytest.fixture
def authorizers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare an endpoint for each kind of authentication that an authorizer verifies."""
    pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Ab3"
    kinds: dict[str, Auth] = {
        "users": Jwt("https://login.example.com", "shop"),
        "members": CognitoPool(pool),
        "partners": CustomAuth("partner"),
    }
    added = tuple(
        Endpoint(
            method="GET",
            path=f"/{name}",
            summary="An example.",
            handle=_unused,
            responses={204: None},
            auth=auth,
            scopes=("orders/read",),
        )
        for name, auth in kinds.items()
    )
    found = (*load_endpoints(), *added)
    partner = Authorizer(
        lambda _: None,
        headers=("X-Partner",),
        permissions=(ServicePermission("kms", "*", ("kms:Verify",)),),
        cache_s=60,
    )
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: found)
    monkeypatch.setattr(authorizer_registry, "load_authorizers", lambda: {"partner": partner})


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """Declare a job for each kind of trigger, and the queue of one of them.

    Their names may be longer than the names of project and stack allow."""
    monkeypatch.setattr(naming, "_LONGEST", 128)
    orders = Queue(name="orders")
    monkeypatch.setattr(
        tables, "FOLLOWED", Table(name="followed", partition_key="key"), raising=False
    )
    monkeypatch.setattr(queues, "ORDERS", orders, raising=False)
    bookings = Queue(name="bookings", fifo=True, delay_s=60)
    monkeypatch.setattr(queues, "BOOKINGS", bookings, raising=False)
    monkeypatch.setattr(topics, "NEWS", Topic(name="news"), raising=False)
    monkeypatch.setattr(buckets, "UPLOADS", Bucket(name="uploads"), raising=False)
    triggers = {
        "clean_up": ScheduleTrigger("cron(0 3 * * ? *)", timezone="Europe/Berlin"),
        "follow": StreamTrigger(table="followed"),
        "resize": ObjectTrigger(bucket="uploads", prefix="in/", suffix=".png"),
        "ship": QueueTrigger(queue=orders.name),
        "book": QueueTrigger(queue="bookings"),
        "tell": TopicTrigger(topic="news", filter_policy={"kind": ["big"]}, filter_body=True),
        "watch": EventTrigger(pattern={"source": ["shop"]}),
    }
    found = {
        name: Job(trigger=trigger, summary="An example.", handle=_unused, timeout_s=100)
        for name, trigger in triggers.items()
    }
    found["book"] = found["book"]._replace(alarm=FailureAlarm(failures=10))
    monkeypatch.setattr(function.declare.job_registry, "load_jobs", lambda: found)
    return found


@cache
def _declared_with_jobs() -> list[pulumi_program.Resource]:
    return pulumi_program.declared_resources(STACK, config=plain())


@pytest.fixture
def with_jobs(
    jobs: dict[str, Job],
) -> list[pulumi_program.Resource]:
    """Return the declared resources of a plain stack with a job for each kind of trigger."""
    return _declared_with_jobs()
