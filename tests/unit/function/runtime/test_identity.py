"""The caller of a request: from API Gateway alone, by the endpoint's own authentication."""

import json
import time
from typing import Any

import pytest

from function.declare.auth import (
    KINDS,
    ApiKey,
    Auth,
    CognitoPool,
    CustomAuth,
    Iam,
    Identity,
    Jwt,
    Public,
)
from function.declare.endpoint import Request, Response
from function.runtime import identity
from tests.fixtures import notes

pytestmark = pytest.mark.usefixtures("service")
ARN = "arn:aws:sts::123456789012:assumed-role/reader/session"


USERS = Jwt("https://login.example.com", "shop")
POOL = CognitoPool("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/a")


def verified(expires_in: int = 60, **claims: Any) -> dict[str, Any]:
    """Return the context of a token that the authorizers' function has verified."""
    full = {"exp": int(time.time()) + expires_in, **claims}
    found = {"principalId": "issuer#alice", "claims": json.dumps(full), "scopes": "read write"}
    return {"authorizer": found, "identity": {"apiKeyId": "abc"}}


def called(
    auth: Auth, context: dict[str, Any], scopes: tuple[str, ...] = (), **event: Any
) -> tuple[int, Identity | None]:
    """Return the status, and the identity that the handler sees."""
    seen: list[Identity] = []

    def handle(request: Request[Any]) -> Response:
        seen.append(request.identity)
        return Response(status=200, body={})

    endpoint = notes.endpoint(handle=handle, auth=auth, scopes=scopes)
    answer = notes.call(endpoint, requestContext=context, **event)
    return answer["statusCode"], seen[0] if seen else None


def test_every_kind_of_authentication_has_a_reader() -> None:
    assert identity.READERS.keys() == set(KINDS)


def test_the_id_of_the_api_key_is_the_identity_and_a_public_endpoint_has_none() -> None:
    context = {"identity": {"apiKeyId": "abc", "userArn": ARN}, "authorizer": {"principalId": "p"}}
    assert called(ApiKey(), context) == (200, Identity("abc"))
    assert called(Public(), context) == (200, Identity())


def test_the_arn_of_the_signer_is_the_identity() -> None:
    context = {"identity": {"userArn": ARN, "accountId": "123456789012", "user": None}}
    claims = {"accountId": "123456789012", "userArn": ARN}
    assert called(Iam(), context) == (200, Identity(ARN, claims))


@pytest.mark.parametrize(
    "context",
    ({}, {"identity": None}, {"identity": {"userArn": ""}}, {"identity": {"userArn": None}}),
)
def test_without_a_verified_caller_the_handler_is_not_called(context: dict[str, Any]) -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 …", "userArn": ARN, "x-amzn-userarn": ARN}
    assert called(Iam(), context, headers=headers) == (403, None)


@pytest.mark.parametrize("auth", (USERS, CustomAuth("partner")))
def test_the_authorizer_names_the_caller_and_its_scopes(auth: Auth) -> None:
    status, caller = called(auth, verified(tenant=7), ("read",))
    assert caller and caller.claims["tenant"] == 7
    assert (status, caller.id, caller.scopes) == (200, "issuer#alice", {"read", "write"})


def test_a_token_that_expires_while_api_gateway_keeps_the_result_is_refused() -> None:
    assert called(USERS, verified(expires_in=-60)) == (401, None)
    assert called(USERS, verified(exp="soon")) == (401, None)


def test_the_claims_of_a_pool_name_the_caller() -> None:
    claims = {"iss": "https://pool", "sub": "alice", "scope": "shop/read"}
    status, caller = called(POOL, {"authorizer": {"claims": claims}}, ("shop/read",))
    assert (status, caller) == (
        200,
        Identity("https://pool#alice", claims, frozenset({"shop/read"})),
    )


@pytest.mark.parametrize("auth", (USERS, POOL, CustomAuth("partner")))
@pytest.mark.parametrize("context", ({}, {"authorizer": None}, {"authorizer": {"claims": "{"}}))
def test_without_the_authorizers_word_the_token_in_the_header_counts_for_nothing(
    auth: Auth, context: dict[str, Any]
) -> None:
    assert called(auth, context, headers={"Authorization": "Bearer a.b.c"}) == (401, None)


def test_a_missing_scope_is_forbidden_and_named() -> None:
    endpoint = notes.endpoint(auth=USERS, scopes=("read", "delete"))
    answer = notes.call(endpoint, requestContext=verified())
    assert answer["statusCode"] == 403 and "lacks the scope delete." in answer["body"]
