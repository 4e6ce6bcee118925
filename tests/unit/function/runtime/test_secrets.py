"""Secret settings: from Secrets Manager, cached for a while."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from function.declare.problem import Problem
from function.declare.setting import Setting
from function.runtime import aws_client
from function.runtime import secrets as secret_settings
from function.runtime.settings import SETTINGS

PASS_WORD = Setting("pass_word", str, description="Opens the other service.", secret=True)
HUSH = "hush-and-not-a-word"


def test_a_secret_that_the_declaration_does_not_name_is_not_read() -> None:
    says = r"needs SecretPermission\('pass_word'\);"
    with pytest.raises(LookupError, match=says):
        assert SETTINGS[PASS_WORD]


@pytest.fixture(name="secrets")
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of Secrets Manager, in which the pass_word lies."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="pass_word", SecretString=HUSH)["ARN"]
        monkeypatch.setenv(PASS_WORD.env_var, arn)
        yield client
    aws_client._client.cache_clear()
    secret_settings._cache.clear()


def test_a_secret_is_cached_and_read_again_after_its_maximal_age(
    monkeypatch: pytest.MonkeyPatch, secrets: Any
) -> None:
    assert SETTINGS[PASS_WORD] == HUSH
    secrets.put_secret_value(SecretId="pass_word", SecretString="rotated")
    assert SETTINGS[PASS_WORD] == HUSH
    monkeypatch.setattr(secret_settings, "MAX_AGE_S", 0)
    assert SETTINGS[PASS_WORD] == "rotated"
    secrets.delete_secret(SecretId="pass_word", ForceDeleteWithoutRecovery=True)
    assert SETTINGS[PASS_WORD] == "rotated"


@pytest.mark.usefixtures("secrets")
def test_an_unreadable_secret_is_a_503_without_details(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    with pytest.raises(Problem, match="Retry later") as problem:
        assert SETTINGS[PASS_WORD]
    assert problem.value.status == 503 and problem.value.headers["Retry-After"]
    assert HUSH not in caplog.text and "pass_word" not in problem.value.detail
