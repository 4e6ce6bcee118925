"""Settings: from a stack's config to the functions, secrets by way of Secrets Manager alone."""

import json

import pytest

import function.declare.job_registry
import function.declare.registry
import function.settings
from components.stack_config import ConfigError, StackConfig
from function.declare.errors import DeclarationError
from function.declare.job import Job
from function.declare.permission import SecretPermission
from function.declare.registry import load_endpoints
from function.declare.setting import Setting
from function.declare.trigger import ScheduleTrigger
from function.runtime.settings import SETTINGS
from local import pulumi_program, stack_files
from tests.conftest import declare, one
from tools.checks import snapshot

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance

SALUTE = Setting("salute", str, description="How to greet.", default="Hello")
PORTION = Setting("portion", float, description="A portion.", default=0.5, minimum=0, maximum=1)
LOUD = Setting("loud", bool, description="Whether to shout.", default=False)
MOST = Setting("most", int, description="How many.")
PASS_WORD = Setting("pass_word", str, description="Opens the other service.", secret=True)
HUSH = "hush-and-not-a-word"


@pytest.fixture(name="_declared")
def _declare(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in (SALUTE, PORTION, LOUD, MOST, PASS_WORD):
        monkeypatch.setattr(function.settings, setting.name.upper(), setting, raising=False)


def _config(**given: str) -> dict[str, str]:
    """Return the config of a stack that sets the settings of this module, and these values."""
    project = stack_files.project_name()
    values = {"most": "3", "pass_word": stack_files.Secret(HUSH), **given}
    return stack_files.stack_config(stack_files.stacks()[0]) | {
        f"{project}:{key}": value for key, value in values.items() if value
    }


def _read(**given: str) -> StackConfig:
    config = _config(**given)
    secret = [key for key, value in config.items() if isinstance(value, stack_files.Secret)]
    return StackConfig.from_pulumi(config, stack_files.project_name(), "some", secret)


def test_a_setting_named_as_the_stacks_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = SALUTE._replace(name="memory_mb")
    monkeypatch.setattr(function.settings, "WRONG", taken, raising=False)
    with pytest.raises(DeclarationError, match="the stack itself has a key memory_mb"):
        _read(most="", pass_word="")


@pytest.mark.usefixtures("_declared")
@pytest.mark.parametrize(
    ("given", "says"),
    (
        (
            {"most": ""},
            r":most of stack some is missing \(How many\); set it by: pulumi config set --stack "
            r"some [\w-]+:most, or by a line in Pulumi\.some\.yaml: most: …$",
        ),
        (
            {"pass_word": ""},
            "--stack some --secret .*:pass_word, or for the local run alone in secrets.some.yaml",
        ),
        ({"most": "many"}, ":most = many: Expected `int`, got `str`"),
        ({"portion": "2"}, ":portion = 2: Expected `float` <= 1.0"),
        ({"loud": "1"}, ":loud = 1: Expected `bool`"),
        ({"saluet": "Hi"}, "saluet of stack .* is unknown; did you mean .*:salute"),
        ({"pass_word": HUSH}, "pass_word is a secret in clear; do: pulumi config set --secret"),
        ({"salute": stack_files.Secret(HUSH)}, "salute is encrypted, but no secret in function/"),
        ({"owner": stack_files.Secret(HUSH + "?")}, r":owner = \[secret\]: Expected 1 to 256"),
        (
            {"usage_plans": stack_files.Secret(f'{{"a": {{"\\n{HUSH}": 1}}}}')},
            r":usage_plans = \[secret\]: Object contains an unknown field",
        ),
        ({"log_retention_days": stack_files.Secret(f'"{HUSH}"')}, r"_days = \[secret\]: Expected"),
        (
            {"nothing": stack_files.Secret(HUSH)},
            "nothing of stack some is unknown; known keys: owner, ",
        ),
    ),
)
def test_a_config_error_names_the_way_out_and_no_secret(given: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        _read(**given)
    assert HUSH not in str(error.value)


@pytest.mark.usefixtures("_declared")
def test_values_reach_the_environment_and_secrets_only_secrets_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, *others = load_endpoints()
    secret = SecretPermission(PASS_WORD.name)
    reader = reader._replace(permissions=(*reader.permissions, secret))
    endpoints = (reader, *others)
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: endpoints)
    resources = pulumi_program.declared_resources("some", config=_config(salute="007", loud="true"))
    inputs = one(resources, "aws:lambda/function:Function", "-function")["environment"]["variables"]
    for name, value in inputs.items():
        monkeypatch.setenv(name, value)
    read = [SETTINGS[setting] for setting in (SALUTE, PORTION, LOUD, MOST)]
    assert read == ["007", 0.5, True, 3]
    assert inputs["SECRET_PASS_WORD_ARN"].startswith("arn:")
    (policy,) = (
        json.loads(resource.inputs["policy"])
        for resource in resources
        if resource.kind.endswith(":RolePolicy") and "-function-" in resource.name
    )
    allowed = [s for s in policy["Statement"] if "secretsmanager:GetSecretValue" in s["Action"]]
    arns = {value for name, value in inputs.items() if name.startswith("SECRET_")}
    named = [s["Resource"] for s in allowed]
    assert {arn for one in named for arn in ([one] if isinstance(one, str) else one)} == arns
    holders = [r for r in resources if HUSH in repr(r.inputs)]
    assert [r.kind for r in holders] == ["aws:secretsmanager/secretVersion:SecretVersion"]
    assert HUSH not in snapshot.text({"some": resources})


@pytest.mark.usefixtures("_declared")
def test_a_function_reads_no_secret_that_its_declaration_does_not_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Runs.", handle=print)
    jobs = {"plain": job, "reads": job._replace(permissions=(SecretPermission("pass_word"),))}
    monkeypatch.setattr(function.declare.job_registry, "load_jobs", lambda: jobs)
    endpoint = load_endpoints()[0]._replace(permissions=())
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))
    resources = pulumi_program.declared_resources("some", config=_config())
    readers = {
        resource.name.partition("-job-")[2].partition("-")[0]
        for resource in resources
        if "secretsmanager:GetSecretValue" in str(resource.inputs.get("policy"))
        or "SECRET_PASS_WORD_ARN" in str(resource.inputs.get("environment"))
    }
    assert readers == {"reads"}


def test_the_number_of_trusted_proxies_reaches_the_function() -> None:
    resources = declare(trusted_proxy_count="2")
    inputs = one(resources, "aws:lambda/function:Function", "-function")
    assert inputs["environment"]["variables"]["TRUSTED_PROXY_COUNT"] == "2"
