"""The authorizers' function: API Gateway's event becomes a caller, 401 or 500."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from function.declare.auth import FUNCTION_KINDS, Auth, CustomAuth, Identity, Jwt
from function.declare.authorizer import Authorizer, Credentials
from function.runtime.authorizer import handler, oidc
from tests.fixtures import notes

USERS = Jwt("https://login.example.com", "shop")
PARTNER = CustomAuth("partner")
ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc123/dev/GET/notes/7"


@pytest.fixture(autouse=True)
def _issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an issuer take one token; it gives an administrator's claims."""
    monkeypatch.setenv("JWT_ISSUER_JWT", "https://login.example.com")

    def verify(issuer: str, token: str, audience: str) -> dict[str, Any] | None:
        assert audience == "shop"
        claims = {"iss": issuer, "sub": "alice", "scope": "read write", "age": 7}
        return claims if token == "good" else None

    monkeypatch.setattr(oidc, "verify", verify)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that asks the authorizer of a route for the caller."""

    def ask(auth: Auth, headers: dict[str, list[str]], *, method: str = "GET") -> Any:
        endpoint = notes.endpoint(auth=auth)
        monkeypatch.setattr(handler, "_ENDPOINTS", (endpoint,))
        event = {
            "type": "REQUEST",
            "methodArn": ARN,
            "httpMethod": method,
            "resource": endpoint.path,
            "multiValueHeaders": headers,
        }
        return handler.handler(event, SimpleNamespace(aws_request_id="invocation"))

    return ask


def custom(monkeypatch: pytest.MonkeyPatch, authenticate: Any, **more: Any) -> None:
    """Declare the authorizer `partner`."""
    declared = Authorizer(authenticate, **more)
    monkeypatch.setattr(handler, "load_module", lambda *_: declared)


def test_every_kind_that_the_function_verifies_has_an_authenticator() -> None:
    assert handler.AUTHENTICATORS.keys() == set(FUNCTION_KINDS)


def test_a_caller_is_allowed_on_the_stage_of_this_api_and_nowhere_else(
    asked: Callable[..., Any],
) -> None:
    found = asked(USERS, {"authorization": ["bearer good"]})
    assert found["principalId"] == "https://login.example.com#alice"
    (statement,) = found["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Effect"]) == ("execute-api:Invoke", "Allow")
    assert statement["Resource"] == ARN.removesuffix("GET/notes/7") + "*"
    assert json.loads(found["context"]["claims"])["age"] == 7
    assert found["context"]["scopes"] == "read write"


@pytest.mark.parametrize(
    "headers",
    (
        {},
        *({"Authorization": [sent]} for sent in ("", "good", "Basic good", "Bearer bad")),
        {"Authorization": ["Bearer good", "Bearer good"]},
        {"Authorization": ["Bearer good"], "authorization": ["Bearer bad"]},
        {"Authorization": ["Bearer good, Bearer bad"]},
    ),
)
def test_other_credentials_are_unauthorized(
    asked: Callable[..., Any], headers: dict[str, list[str]]
) -> None:
    with pytest.raises(handler.Unauthorized, match="^Unauthorized$"):  # API Gateway's word
        asked(USERS, headers)


def test_an_undeclared_method_has_the_authentication_of_its_path(asked: Callable[..., Any]) -> None:
    with pytest.raises(handler.Unauthorized):
        asked(USERS, {}, method="DELETE")


def test_a_custom_authorizer_sees_its_headers_and_names_the_caller(
    asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Credentials] = []

    def authenticate(credentials: Credentials) -> Identity:
        seen.append(credentials)
        return Identity("acme", {"plan": "gold"}, frozenset({"read"}))

    custom(monkeypatch, authenticate, headers=("X-Partner", "X-Secret"))
    sent = {"x-partner": ["7"], "X-Secret": ["s"], "Cookie": ["session"]}
    found = asked(PARTNER, sent)
    assert seen[0].headers == {"x-partner": "7", "x-secret": "s"}
    assert found["principalId"] == "partner#acme"
    assert found["context"] == {"claims": '{"plan": "gold"}', "scopes": "read"}


def test_a_custom_authorizer_refuses_by_none_and_is_not_asked_without_its_header(
    asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Credentials] = []
    custom(monkeypatch, calls.append)
    for headers in ({"Authorization": ["x"]}, {"Other": ["x"]}):
        with pytest.raises(handler.Unauthorized):
            asked(PARTNER, headers)
    assert len(calls) == 1


def _fail(_: Credentials) -> Identity:
    raise ValueError("broken")


@pytest.mark.parametrize(
    "authenticate", (lambda _: True, lambda _: {"id": "acme"}, lambda _: Identity(), _fail)
)
def test_a_failure_lets_nobody_through_and_is_logged_without_credentials(
    asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, authenticate: Any
) -> None:
    custom(monkeypatch, authenticate)

    def call() -> None:
        with pytest.raises(RuntimeError, match="the authorizer failed"):
            asked(PARTNER, {"Authorization": ["their-secret"]})

    lines = notes.lines(call)
    (request,) = [line for line in lines if line["message"] == "request"]
    assert (request["Route"], request["Outcome"]) == ("authorizer", "failed")
    assert request["authorizer"] == "partner" and "their-secret" not in json.dumps(lines)
