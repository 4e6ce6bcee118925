"""Settings that are refused."""

from typing import Any

import pytest

import function.settings
from function.declare.errors import DeclarationError
from function.declare.permission import SecretPermission
from function.declare.registry import load_settings, reference_errors
from function.declare.setting import Setting

SALUTE = Setting("salute", str, description="How to greet.", default="Hello")
PORTION = Setting("portion", float, description="A portion.", default=0.5, minimum=0, maximum=1)
LOUD = Setting("loud", bool, description="Whether to shout.", default=False)
MOST = Setting("most", int, description="How many.")
PASS_WORD = Setting("pass_word", str, description="Opens the other service.", secret=True)


@pytest.mark.parametrize(
    ("setting", "says"),
    (
        (SALUTE._replace(name="Greeting"), "'Greeting' is not words of a-z and 0-9 joined by '_'"),
        (SALUTE._replace(type=list), "type must be str, int, float or bool"),
        (MOST._replace(default="3"), "default '3' must be of type int"),
        (LOUD._replace(default=0), "default 0 must be of type bool"),
        (SALUTE._replace(description=" "), "description is missing"),
        (SALUTE._replace(secret=True), "a secret must be of type str and have no default"),
        (SALUTE._replace(name="portion"), "name 'portion' is taken"),
    ),
)
def test_an_invalid_setting_is_refused_with_its_file_and_name(
    monkeypatch: pytest.MonkeyPatch, setting: Setting[Any], says: str
) -> None:
    monkeypatch.setattr(function.settings, "PORTION", PORTION, raising=False)
    monkeypatch.setattr(function.settings, "WRONG", setting, raising=False)
    with pytest.raises(DeclarationError, match="function/settings.py: WRONG: .*" + says):
        load_settings()


@pytest.mark.parametrize("name", ("salute", "pass-word", "nothing"))
def test_a_permission_for_no_secret_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for setting in (SALUTE, PASS_WORD):
        monkeypatch.setattr(function.settings, setting.name.upper(), setting, raising=False)
    (error,) = reference_errors(SecretPermission(name))
    assert error.startswith(f"unknown secret {name!r}; known: ")
    assert error.endswith("pass_word")
