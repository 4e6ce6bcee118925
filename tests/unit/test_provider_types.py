"""Each declared property exists in the installed pulumi_aws, with a value of its type.

`make test-terraform` applies the resources by an older provider, which lacks some properties. Only
this test covers those.
"""

import collections.abc
import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import function.settings
from function.declare.job import Job
from function.declare.setting import Setting
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from tests.conftest import PLANS, STACK, keys, plain
from tools.checks import terraform_json
from tools.checks.terraform_provider import NEWER

_ACCOUNT = "arn:aws:{}:eu-central-1:111122223333:{}"
# Two stacks that have every option between them: some exclude each other.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "one": {
        "alarm_email": "on-call@example.com",
        "backup_days": "30",
        "certificate_arn": _ACCOUNT.format("acm", "certificate/x"),
        "disable_default_endpoint": "true",
        "domain_name": "api.example.com",
        "hosted_zone_id": "Z123",
        "kms_key_arn": _ACCOUNT.format("kms", "key/0"),
        "max_read_units": "1000",
        "max_write_units": "1000",
        "monthly_budget_usd": "50",
        "permissions_boundary": "arn:aws:iam::111122223333:policy/x",
        "protect_data": "true",
        "provisioned_concurrency": "2",
        "reserved_concurrency": "20",
        "trace_sampling_rate": "0.1",
        "usage_plans": json.dumps(PLANS),
        "vpc_security_groups": '["sg-0"]',
        "vpc_subnets": '["subnet-0", "subnet-1"]',
        "waf_rate_limit": "2000",
    },
    "other": {
        "alarm_topic_arn": _ACCOUNT.format("sns", "topic"),
        "job_concurrency": '{"ship": 5}',
        "manage_api_gateway_account": "true",
        "replica_regions": '["eu-west-1"]',
        "snap_start": "true",
    },
}


@pytest.fixture(name="declared", params=_OPTIONS)
def _declared(
    request: pytest.FixtureRequest, jobs: Mapping[str, Job], monkeypatch: pytest.MonkeyPatch
) -> list[Resource]:
    assert jobs
    token = Setting("token", str, description="A token.", secret=True)
    monkeypatch.setattr(function.settings, "TOKEN", token, raising=False)
    config = {**plain(**_OPTIONS[request.param]), **keys(token=stack_files.Secret("hush"))}
    return pulumi_program.declared_resources(STACK, config=config)


def _faults(value: Any, hint: Any, where: str) -> Iterator[str]:
    """Return the places where a value is not of a property's type."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:  # with Awaitable and Output
        yield from _faults(value, parts[0], where)
    elif origin is collections.abc.Sequence and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, parts[0], f"{where}[{index}]")
    elif origin is collections.abc.Mapping and isinstance(value, dict):
        for name, item in value.items():
            yield from _faults(item, parts[1], f"{where}.{name}")
    elif inspect.isclass(hint) and hint.__name__.endswith("Args") and isinstance(value, dict):
        hints = terraform_json.property_types(hint)
        parameters = zip(hints, inspect.signature(hint).parameters.values())
        needed = {name for name, one in parameters if one.default is inspect.Parameter.empty}
        for name in value.keys() - hints.keys():
            yield f"{where}: {hint.__name__} has no property {name}"
        for name in needed - value.keys():
            yield f"{where}: {hint.__name__} needs {name}"
        for name in value.keys() & hints.keys():
            yield from _faults(value[name], hints[name], f"{where}.{name}")
    elif inspect.isclass(hint):
        accepted = (int, float) if hint is float else hint
        if not isinstance(value, accepted) or (hint is not bool and isinstance(value, bool)):
            yield f"{where}: {value!r} is not of type {hint.__name__}"


def test_every_property_exists_in_pulumi_aws_with_its_type(declared: list[Resource]) -> None:
    found = [
        fault
        for resource in declared
        if not resource.component
        for fault in _faults(
            resource.inputs, terraform_json.argument_type(resource.kind), resource.name
        )
    ]
    assert not found


@pytest.mark.parametrize("declared", ("one",), indirect=True)
def test_the_properties_that_the_older_provider_lacks_are_declared(
    declared: list[Resource],
) -> None:
    files = terraform_json.render(declared)
    for kind, names in NEWER.items():
        (arguments,) = files[f"{kind}.tf.json"]["resource"][kind].values()
        assert {*names} <= arguments.keys()
