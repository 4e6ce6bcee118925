"""Kinds of authentication and authorizers that are refused before a deployment."""

from typing import Any

import pytest

from function import settings
from function.declare import authorizer_registry, registry
from function.declare.auth import CognitoPool, CustomAuth, Jwt, in_stack
from function.declare.authorizer import Authorizer
from function.declare.checks import declaration_errors
from function.declare.errors import DeclarationError
from function.declare.permission import ServicePermission
from function.declare.setting import Setting
from tests.fixtures import notes

ISSUER, POOL = "https://login.example.com", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/a"
COUNT = Setting("count", int, description="A number.", default=1)
TENANT = Setting("tenant", str, description="The issuer.", default=ISSUER)


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        ({"auth": Jwt("http://a.example", "x")}, "issuer: 'http://a.example' is not a URL"),
        ({"auth": Jwt(f"{ISSUER}?a", "x")}, "issuer: .* is not a URL"),
        ({"auth": Jwt(ISSUER, "")}, "audience is missing"),
        ({"auth": Jwt(ISSUER, "x", cache_s=3_601)}, "cache_s must be from 0 to 3,600"),
        ({"auth": Jwt(ISSUER, "x", name="my jwt")}, "name: 'my jwt' is not letters"),
        ({"auth": Jwt(COUNT, "x")}, "issuer must be a setting of type str"),  # type: ignore[arg-type]
        ({"auth": Jwt(ISSUER, TENANT)}, "audience must be a setting of type str .*, not tenant"),
        ({"auth": CognitoPool("eu-west-1_a")}, "pool: 'eu-west-1_a' is not the ARN"),
        ({"scopes": ("read",)}, "scopes: ApiKey knows no scopes"),
        ({"auth": None}, "auth must be of type ApiKey or Public"),
    ),
)
def test_a_wrong_authentication_is_refused_with_its_reason(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(DeclarationError, match=f"^function/endpoints/get.py: .*{says}"):
        registry.validate_endpoints({"get": notes.endpoint(**changes)})


def test_a_setting_of_the_stack_may_give_issuer_and_audience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "TENANT", TENANT, raising=False)
    endpoint = notes.endpoint(auth=Jwt(TENANT, TENANT))
    assert registry.validate_endpoints({"get": endpoint}) == (endpoint,)


def test_the_wrong_value_of_a_setting_is_refused() -> None:
    wrong = {TENANT.env_var: "http://a.example"}
    for auth, field in ((Jwt(TENANT, "x"), "issuer"), (CognitoPool(TENANT), "pool")):
        (error,) = declaration_errors(in_stack(auth, wrong))
        assert error.startswith(f"{field}: 'http://a.example' is not")
    (error,) = declaration_errors(in_stack(Jwt("https://a.example", TENANT), {TENANT.env_var: ""}))
    assert error == "audience is missing"


def test_two_authentications_cannot_share_a_name() -> None:
    one, other = (notes.endpoint(path=f"/{name}", path_parameters=()) for name in ("a", "b"))
    found = {
        "one": one._replace(auth=Jwt(ISSUER, "one")),
        "other": other._replace(auth=Jwt(ISSUER, "other")),
    }
    with pytest.raises(DeclarationError, match="auth: the name jwt belongs to Jwt"):
        registry.validate_endpoints(found)


def test_an_unknown_custom_authorizer_is_refused() -> None:
    with pytest.raises(DeclarationError, match="auth: unknown authorizer 'partner'; known: none"):
        authorizer_registry.verified_by_function([notes.endpoint(auth=CustomAuth("partner"))])


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        ({"headers": ()}, "headers is missing"),
        ({"headers": ("X Partner",)}, "'X Partner' is not the name of a header"),
        ({"cache_s": -1}, "cache_s must be from 0"),
        ({"authenticate": print()}, "authenticate"),
        (
            {"permissions": (ServicePermission("s3", "*", ("s3:GetObject",), timeout_s=5),)},
            "a call may take .* must come within 10 s",
        ),
    ),
)
def test_a_wrong_authorizer_is_refused_with_its_reason(changes: dict[str, Any], says: str) -> None:
    declared = Authorizer(lambda _: None)._replace(**changes)
    with pytest.raises(AssertionError, match=says):
        assert not list(declaration_errors(declared))
