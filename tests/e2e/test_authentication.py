"""Each kind of authentication in a running stack: who gets in, who does not, and by which answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import run_python

AUTH = '''
"""The kinds of authentication."""

from function.declare.auth import CognitoPool, CustomAuth, Iam, Jwt

POOL = CognitoPool("arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Ab3")
USERS = Jwt("https://login.example.com", "shop")
PARTNERS = CustomAuth("partner")
SIGNED = Iam()
'''
ENDPOINT = '''
"""Say who calls."""

from function.declare.endpoint import Endpoint, Request, Response
from function.endpoints._auth import {auth}


def tell(request: Request) -> Response:
    """Return the caller."""
    caller = request.identity
    return Response(status=200, body={{"caller": caller.id, "sub": caller.claims.get("sub", "")}})


ENDPOINT = Endpoint(
    method="GET",
    path="/{path}",
    summary="Say who calls.",
    handle=tell,
    responses={{200: {{"title": "Caller", "type": "object"}}}},
    auth={auth},
    scopes={scopes},
)
'''
PARTNER = '''
"""Partners, by a shared secret."""

from function.declare.auth import Identity
from function.declare.authorizer import Authorizer, Credentials


def authenticate(credentials: Credentials) -> Identity | None:
    """Return the partner."""
    if credentials.headers["x-partner"] == "broken":
        raise ValueError("broken")
    return Identity("acme") if credentials.headers["x-partner"] == "secret" else None


AUTHORIZER = Authorizer(authenticate, headers=("X-Partner",))
'''
ENDPOINTS = (
    ("users", "USERS", ("orders:read",)),
    ("pool", "POOL", ()),
    ("scoped", "POOL", ("shop/read",)),
    ("partners", "PARTNERS", ()),
    ("signed", "SIGNED", ()),
)
SCRIPT = """
import json
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from local import local_stack, stack_files

with local_stack.up(stack_files.default_stack()) as local:
    seen = {}

    def call(name, path, headers=None, method="GET"):
        reply = local.call(headers or {}, "", method=method, path=path)
        seen[name] = [reply.status, {name.lower(): one for name, one in reply.headers.items()}, reply.body]

    def bearer(name, path, auth, sub, scope="", **claims):
        token = local.token(auth, sub=sub, scope=scope, **claims)
        call(name, path, {"Authorization": "Bearer " + token})

    def signed(name, key, secret):
        request = AWSRequest("GET", local.outputs["api_url"] + "/signed")
        SigV4Auth(Credentials(key, secret), "execute-api", local.emulator.region).add_auth(request)
        call(name, "/signed", dict(request.headers))

    call("user without", "/users")
    call("user with text", "/users", {"Authorization": "Bearer a.b.c"})
    bearer("user", "/users", "jwt", "alice", "orders:read")
    bearer("user again", "/users", "jwt", "alice", "orders:read")
    bearer("user without scope", "/users", "jwt", "alice")
    bearer("user expired", "/users", "jwt", "alice", "orders:read", exp=1)
    bearer("user of others", "/users", "jwt", "alice", "orders:read", aud="bank")
    bearer("user of a pool", "/users", "cognito", "alice", "orders:read")
    forged = {"X-Amzn-Authorizer-PrincipalId": "admin", "claims": '{"sub": "admin"}'}
    call("user forged", "/users", forged)
    call("undeclared method", "/users", method="DELETE")
    call("pool without", "/pool")
    bearer("pool", "/pool", "cognito", "bob")
    bearer("pool of users", "/pool", "jwt", "bob")
    bearer("scoped", "/scoped", "cognito", "bob", "shop/read")
    bearer("scoped without scope", "/scoped", "cognito", "bob")
    call("partner without", "/partners")
    call("partner wrong", "/partners", {"X-Partner": "wrong"})
    call("partner", "/partners", {"X-Partner": "secret"})
    call("partner broken", "/partners", {"X-Partner": "broken"})
    call("signer without", "/signed")
    call("signer with a token", "/signed", {"Authorization": "Bearer a.b.c"})
    iam = local.emulator.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    signed("signer not allowed", key["AccessKeyId"], key["SecretAccessKey"])
    allow = {"Effect": "Allow", "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:*:*:*/*/GET/signed"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="reader", PolicyName="call", PolicyDocument=document)
    signed("signer", key["AccessKeyId"], key["SecretAccessKey"])
    signed("signer with a wrong secret", key["AccessKeyId"], "x" * 40)
    print(json.dumps(seen))
"""


@pytest.fixture(name="seen", scope="module")
def _seen(
    copied: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return the answers of a stack with all kinds of authentication, by the name of the call."""
    project = copied(tmp_path_factory.mktemp("authentication"))
    function = project / "function"
    (function / "endpoints" / "_auth.py").write_text(AUTH, "utf-8")
    (function / "authorizers" / "partner.py").write_text(PARTNER, "utf-8")
    for path, auth, scopes in ENDPOINTS:
        text = ENDPOINT.format(path=path, auth=auth, scopes=scopes)
        (function / "endpoints" / f"get_{path}.py").write_text(text, "utf-8")
    found: dict[str, Any] = json.loads(run_python(project, "-c", SCRIPT).splitlines()[-1])
    return found


def test_a_verified_caller_reaches_the_handler_under_an_id_of_its_own(seen: dict[str, Any]) -> None:
    callers = {name: json.loads(body) for name, (status, _, body) in seen.items() if status == 200}
    assert callers.keys() == {"user", "user again", "pool", "scoped", "partner", "signer"}
    assert callers["user"] == callers["user again"]
    assert callers["user"]["sub"] == "alice" and callers["user"]["caller"].endswith("#alice")
    pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab3#bob"
    assert callers["pool"]["caller"] == callers["scoped"]["caller"] == pool
    assert callers["partner"]["caller"] == "partner#acme"
    assert callers["signer"]["caller"] == "arn:aws:iam::000000000000:user/reader"


@pytest.mark.parametrize(
    ("name", "status"),
    (
        ("user without", 401),
        ("user with text", 401),
        ("user expired", 401),
        ("user of others", 401),
        ("user of a pool", 401),
        ("user forged", 401),
        ("undeclared method", 401),
        ("user without scope", 403),
        ("pool without", 401),
        ("pool of users", 401),
        ("scoped without scope", 401),
        ("partner without", 401),
        ("partner wrong", 401),
        ("partner broken", 500),
        ("signer without", 403),
        ("signer with a token", 400),
        ("signer not allowed", 403),
        ("signer with a wrong secret", 403),
    ),
)
def test_any_other_caller_gets_a_problem(seen: dict[str, Any], name: str, status: int) -> None:
    found, headers, body = seen[name]
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(body)["status"] == status
    assert (headers.get("www-authenticate") == "Bearer") == (status == 401)
