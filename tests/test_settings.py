"""Settings: from a stack's config to the function, secrets by way of Secrets Manager alone."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import function.settings
from components.config import ConfigError
from function import secret_settings, storage
from function.contract import DeclarationError, Problem
from function.resources import declared_settings
from function.setting import SETTINGS, Setting
from local import program
from tests.conftest import one
from tools import snapshot

GREETING = Setting("greeting", str, description="How to greet.", default="Hello")
SHARE = Setting("share", float, description="A share.", default=0.5, minimum=0, maximum=1)
LOUD = Setting("loud", bool, description="Whether to shout.", default=False)
LIMIT = Setting("limit", int, description="How many.")
TOKEN = Setting("token", str, description="Opens the other service.", secret=True)
HUSH = "hush-and-not-a-word"


@pytest.fixture(name="_declared")
def _declare(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in (GREETING, SHARE, LOUD, LIMIT, TOKEN):
        monkeypatch.setattr(function.settings, setting.name.upper(), setting, raising=False)


def _run(recorder: program.Recorder, **given: str) -> None:
    project = program.project_name()
    values = {"limit": "3", "token": program.Secret(HUSH), **given}
    config = program.stack_config(program.stacks()[0])
    program.run(
        recorder,
        stack="some",
        config=config | {f"{project}:{key}": value for key, value in values.items() if value},
    )


def _declares(**given: str) -> list[program.Resource]:
    recorder = program.Recorder()
    _run(recorder, **given)
    return recorder.resources


@pytest.mark.parametrize(
    ("setting", "says"),
    (
        (GREETING._replace(name="Greeting"), "'Greeting' must be a-z, 0-9 and '_'"),
        (GREETING._replace(type=list), "type must be str, int, float or bool"),
        (LIMIT._replace(default="3"), "default '3' is no int"),
        (LOUD._replace(default=0), "default 0 is no bool"),
        (GREETING._replace(description=" "), "description is missing"),
        (GREETING._replace(secret=True), "a secret is a str, and has no default"),
        (GREETING._replace(maximum=1), "minimum and maximum are for numbers"),
        (GREETING._replace(name="retention_days"), "taken by another setting"),
    ),
)
def test_a_setting_that_cannot_be_is_refused_where_it_is_declared(
    monkeypatch: pytest.MonkeyPatch, setting: Setting[Any], says: str
) -> None:
    monkeypatch.setattr(function.settings, "WRONG", setting, raising=False)
    with pytest.raises(DeclarationError, match="function/settings.py: WRONG: .*" + says):
        declared_settings()


def test_a_setting_named_as_the_stacks_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = GREETING._replace(name="memory_mb")
    monkeypatch.setattr(function.settings, "WRONG", taken, raising=False)
    with pytest.raises(DeclarationError, match="the stack itself has a key memory_mb"):
        _declares(limit="", token="")


@pytest.mark.usefixtures("_declared")
@pytest.mark.parametrize(
    ("given", "says"),
    (
        ({"limit": ""}, r":limit is missing: How many\. Set it by: pulumi config set \w+:limit$"),
        ({"token": ""}, "pulumi config set --secret .*:token .for the local run, in secrets.<stac"),
        ({"limit": "many"}, ":limit = many must be of type int"),
        ({"share": "2"}, ":share = 2 must be from 0 to 1"),
        ({"loud": "1"}, ":loud = 1 must be of type bool"),
        ({"gretting": "Hi"}, "gretting is unknown; did you mean .*:greeting"),
        ({"token": HUSH}, "token is a secret in clear; do: pulumi config set --secret"),
        ({"greeting": program.Secret(HUSH)}, "greeting is encrypted, but no secret in function/"),
        ({"owner": program.Secret(HUSH + "?")}, r":owner = \[secret\] must be 1 to 256"),
        ({"nothing": program.Secret(HUSH)}, "nothing is unknown"),
        ({"greeting": "x" * 4_000}, "Lambda has room for 3072"),
    ),
)
def test_a_config_error_names_the_way_out_and_no_secret(given: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        _declares(**given)
    assert HUSH not in str(error.value)


@pytest.mark.usefixtures("_declared")
def test_values_reach_the_environment_and_secrets_only_secrets_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resources = _declares(greeting="007", loud="true")
    inputs = one(resources, "aws:lambda/function:Function")["environment"]["variables"]
    arn = one(resources, "aws:secretsmanager/secretVersion:SecretVersion")["secretId"]
    for name, value in inputs.items():
        monkeypatch.setenv(name, value)
    read = [SETTINGS[setting] for setting in (GREETING, SHARE, LOUD, LIMIT)]
    assert read == ["007", 0.5, True, 3]
    assert arn.startswith("Secret") and inputs["SECRET_TOKEN"].startswith("arn:")
    policy = json.loads(one(resources, "aws:iam/rolePolicy:RolePolicy")["policy"])
    allowed = [s for s in policy["Statement"] if "secretsmanager:GetSecretValue" in s["Action"]]
    assert [s["Resource"] for s in allowed] == [[inputs["SECRET_TOKEN"]]]
    holders = [r for r in resources if HUSH in repr(r.inputs)]
    assert [r.kind for r in holders] == ["aws:secretsmanager/secretVersion:SecretVersion"]
    assert HUSH not in snapshot.text(resources)


@pytest.fixture(name="secrets")
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of Secrets Manager, in which the token lies."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="token", SecretString=HUSH)["ARN"]
        monkeypatch.setenv(TOKEN.environment, arn)
        yield client
    storage._client.cache_clear()  # pylint: disable=protected-access
    secret_settings._known.clear()  # pylint: disable=protected-access


def test_a_secret_is_read_once_and_taken_up_anew_when_it_has_aged(
    monkeypatch: pytest.MonkeyPatch, secrets: Any
) -> None:
    assert SETTINGS[TOKEN] == HUSH
    secrets.put_secret_value(SecretId="token", SecretString="rotated")
    assert SETTINGS[TOKEN] == HUSH
    monkeypatch.setattr(secret_settings, "MAX_AGE_S", 0)
    assert SETTINGS[TOKEN] == "rotated"
    secrets.delete_secret(SecretId="token", ForceDeleteWithoutRecovery=True)
    assert SETTINGS[TOKEN] == "rotated"


@pytest.mark.usefixtures("secrets")
def test_a_secret_that_cannot_be_read_now_is_a_503_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    with pytest.raises(Problem, match="Repeat") as problem:
        assert SETTINGS[TOKEN]
    assert problem.value.status == 503 and problem.value.headers["Retry-After"]
    assert HUSH not in caplog.text and "token" not in problem.value.detail
