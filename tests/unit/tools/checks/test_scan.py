"""Judgements of the scan, and its messages."""

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


@pytest.mark.parametrize(
    ("stack", "check", "type_", "suppressed"),
    (
        ("guarded", "CKV_1", "aws_kms_key", False),
        ("guarded", "CKV_AWS_21", "aws_s3_bucket", True),
        ("guarded", "CKV_AWS_21", "aws_kms_key", False),
        ("open", "CKV_AWS_28", "aws_dynamodb_table", True),
        ("guarded", "CKV_AWS_28", "aws_dynamodb_table", False),
    ),
)
def test_a_suppression_is_for_a_check_of_a_type_and_one_for_stacks_without_protection(
    stack: str, check: str, type_: str, suppressed: bool
) -> None:
    finding = scan.Finding(stack=stack, check=check, type=type_, name="one", title="Rotate")
    line = f"{stack}: {check} {type_}.one: Rotate"
    assert scan.unsuppressed([finding], {"open"}) == ([] if suppressed else [line])


def test_what_is_found_is_a_line_each_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(lambda: ["one", "two"]) == 1
    assert capsys.readouterr().err == "one\ntwo\n"
