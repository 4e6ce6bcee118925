"""Judgements of the scan, and its messages."""

from dataclasses import replace
from typing import Any

import pytest

from tools import cli
from tools.checks import scan


def test_a_forgotten_key_is_found_and_a_declared_public_route_is_not() -> None:
    def route(**operation: Any) -> dict[str, Any]:
        return {"post": operation, "x-amazon-apigateway-any-method": operation}

    keyed = {"security": [{"apiKey": []}]}
    body = {"paths": {"/a": route(**keyed), "/b": route(), "/c": route()}}
    assert scan.routes_without_authentication(body, {"POST /b"}) == [
        "POST /c needs no authentication and is not Public",
        "ANY /c needs no authentication and is not Public",
    ]
    preflight = {"x-amazon-apigateway-integration": {"type": "mock"}}
    assert not scan.routes_without_authentication(
        {"paths": {"/a": {**route(**keyed), "options": preflight}}}, set()
    )
    any_method = {"/a": {"post": keyed, "x-amazon-apigateway-any-method": {}}}
    assert scan.routes_without_authentication({"paths": any_method}, set()) == [
        "ANY /a needs no authentication and is not Public"
    ]


def _finding(stack: str = "guarded") -> scan.Finding:
    return scan.Finding(stack=stack, check="CKV_1", type="aws_kms_key", name="key", title="Rotate")


def test_a_finding_without_an_excuse_is_wrong_and_names_check_and_resource() -> None:
    assert scan.unsuppressed([_finding()], []) == ["guarded: CKV_1 aws_kms_key.key: Rotate"]


def test_a_skip_excuses_its_check_on_its_type_in_its_stack() -> None:
    skip = scan.Suppression(check="CKV_1", type="aws_kms_key", reason="because")
    assert not scan.unsuppressed([_finding("open"), _finding("guarded")], [skip])
    assert scan.unsuppressed(
        [_finding("open"), _finding("guarded")], [replace(skip, unprotected=True)], {"open"}
    ) == ["guarded: CKV_1 aws_kms_key.key: Rotate"]
    assert len(scan.unsuppressed([_finding()], [replace(skip, type="aws_sns_topic")])) == 2


def test_a_skip_that_excuses_nothing_is_wrong() -> None:
    (line,) = scan.unsuppressed(
        [], [scan.Suppression(check="CKV_1", type="aws_kms_key", reason="old")]
    )
    assert line.startswith("CKV_1 is suppressed for aws_kms_key but finds nothing")
    of_unprotected = scan.Suppression(
        check="CKV_1", type="aws_kms_key", reason="new", unprotected=True
    )
    assert not scan.unsuppressed([], [of_unprotected]) and scan.unsuppressed(
        [], [of_unprotected], {"one"}
    )


def test_what_is_found_is_a_line_each_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(lambda: ["one", "two"]) == 1
    assert capsys.readouterr().err == "one\ntwo\n"
