"""Tokens: valid ones, every attack, and the rotation of keys."""

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.request import HTTPSHandler, Request
from urllib.response import addinfourl

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from function.runtime.authorizer import oidc

URL, AUDIENCE = "https://login.example.com/", "shop"
OWN, OTHER = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))
CURVE = ec.generate_private_key(ec.SECP256R1())
CONFIGURATION = f"{URL}.well-known/openid-configuration"
KEYS = f"{URL}keys"


def jwk(key: Any, name: str, **more: str) -> dict[str, Any]:
    """Return a public key as an issuer publishes it."""
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, **more}


def verify(sent: str) -> dict[str, Any] | None:
    """Return the claims of a token for AUDIENCE, or None."""
    return oidc.verify(URL, sent, AUDIENCE)


def token(key: Any = OWN, algorithm: str = "RS256", name: str = "one", /, **claims: Any) -> str:
    """Return a token; a claim of None is left out."""
    now = int(time.time())
    full = {"iss": URL, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, **claims}
    kept = {name: value for name, value in full.items() if value is not None}
    return jwt.encode(kept, key, algorithm, headers={"kid": name})


class Web:
    """The issuer's documents, and the addresses that the function has read."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {
            CONFIGURATION: {"issuer": URL, "jwks_uri": KEYS},
            KEYS: {
                "keys": [
                    jwk(OWN, "one"),
                    jwk(OTHER, "pss", alg="PS256"),
                    jwk(CURVE, "curve", alg="ES256"),
                ]
            },
        }
        self.read: list[str] = []

    def https_open(self, request: Request) -> Any:
        """Answer in place of the network."""
        self.read.append(request.full_url)
        found = self.documents.get(request.full_url)
        status = 404 if found is None else 302 if isinstance(found, str) else 200
        body = io.BytesIO(json.dumps(found).encode())
        headers = Message()
        headers["Location"] = str(found)
        response = addinfourl(body, headers, request.full_url, status)
        setattr(response, "msg", "")  # which urllib reads
        return response


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """Return the stand-in for the issuer's site."""
    found = Web()
    monkeypatch.setattr(HTTPSHandler, "https_open", lambda _, request: found.https_open(request))
    oidc._issuer_keys.cache_clear()
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return the monotonic time in a list, for the test to move on."""
    now = [1_000.0]
    monkeypatch.setattr("jwt.jwks_client.time.monotonic", lambda: now[0])
    yield now


@pytest.mark.usefixtures("web")
def test_a_valid_token_gives_its_claims() -> None:
    for sent in (
        token(),
        token(CURVE, "ES256", "curve"),
        token(OTHER, "PS256", "pss"),
        token(aud=["other", AUDIENCE]),
        token(exp=int(time.time()) - 5),  # within the leeway for clocks
    ):
        claims = verify(sent)
        assert claims and claims["sub"] == "alice"


CLAIMS = {"iss": URL, "aud": AUDIENCE, "sub": "alice", "exp": 2**31}


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _without_signature() -> str:
    head, body = {"alg": "none", "kid": "one"}, token().split(".")[1]
    return f"{_part(json.dumps(head).encode())}.{body}."


def _confused() -> str:
    """Return a token whose HMAC has the public key for its secret."""
    secret = OWN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, body, _ = token().split(".")
    head = _part(json.dumps({"alg": "HS256", "kid": "one"}).encode())
    digest = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_part(digest)}"


def _changed() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{_part(json.dumps({**CLAIMS, 'sub': 'mallory'}).encode())}.{signature}"


def _with_header(**header: Any) -> str:
    return jwt.encode(CLAIMS, OTHER, "RS256", headers={"kid": "one", **header})


def attacks() -> dict[str, str]:
    """Return a wrong token of each kind, as of now."""
    return {
        "no signature": jwt.encode(CLAIMS, None, "none"),
        "algorithm none with a known key id": _without_signature(),
        "HMAC with the public key": _confused(),
        "another key under a known id": token(OTHER),
        "another kind of key under a known id": token(CURVE, "ES256", "one"),
        "an unknown key id": token(OTHER, "RS256", "two"),
        "no key id": jwt.encode({"sub": "alice"}, OWN, "RS256"),
        "an own key in the header": _with_header(jwk=jwk(OTHER, "one")),
        "an own address of keys in the header": _with_header(jku="https://evil.example/keys"),
        "changed claims": _changed(),
        "another issuer": token(iss="https://evil.example/"),
        "the issuer without its slash": token(iss=URL.rstrip("/")),
        "no issuer": token(iss=None),
        "another audience": token(aud="other"),
        "an audience that only begins alike": token(aud=f"{AUDIENCE}s"),
        "no audience": token(aud=None),
        "expired": token(exp=int(time.time()) - 60),
        "no expiry": token(exp=None),
        "an expiry that is no number": token(exp="soon"),
        "not yet valid": token(nbf=int(time.time()) + 60),
        "issued in the future": token(iat=int(time.time()) + 60),
        "no subject": token(sub=None),
        "an empty subject": token(sub=""),
        "a critical extension": jwt.encode(
            CLAIMS, OWN, "RS256", headers={"kid": "one", "crit": ["exp"]}
        ),
        "a foreign algorithm of the right key": token(CURVE, "ES256", "only-384"),
        "no token": "",
        "two parts": "a.b",
        "text": "not.a.token",
    }


@pytest.mark.parametrize("attack", attacks())
def test_a_token_that_the_issuer_did_not_give_for_now_and_here_is_refused(
    web: Web, attack: str
) -> None:
    web.documents[KEYS]["keys"].append(jwk(CURVE, "only-384", alg="ES384"))
    assert verify(attacks()[attack]) is None


def test_published_secrets_keys_for_encryption_and_broken_ones_are_left_out(web: Web) -> None:
    keys, secret = web.documents[KEYS]["keys"], b"s" * 32
    keys += [jwk(OTHER, "secrets", use="enc"), {"kty": "RSA", "kid": "broken"}, {"kty": "EC"}]
    keys += [{"kty": "oct", "kid": "secret", "k": _part(secret)}]
    assert verify(token(secret, "HS256", "secret")) is None
    assert verify(token(OTHER, "RS256", "secrets")) is None
    assert verify(token(OWN, "RS256", "broken")) is None
    assert verify(token())


def test_a_new_key_is_found_and_a_former_one_is_refused(web: Web, clock: list[float]) -> None:
    assert verify(token())
    web.documents[KEYS] = {"keys": [jwk(OTHER, "two")]}
    clock[0] += 31
    assert verify(token(OTHER, "RS256", "two"))
    assert verify(token()) is None


def test_a_revoked_key_is_refused_once_the_keys_are_old(web: Web, clock: list[float]) -> None:
    assert verify(token())
    web.documents[KEYS] = {"keys": [jwk(OTHER, "two")]}
    assert verify(token())
    clock[0] += oidc.MAX_AGE_S + 1
    assert verify(token()) is None


@pytest.mark.usefixtures("clock")
def test_invented_key_ids_do_not_load_the_issuer(web: Web) -> None:
    for number in range(20):
        assert verify(token(OTHER, "RS256", f"invented-{number}")) is None
    assert web.read == [CONFIGURATION, KEYS]


def test_known_keys_serve_while_the_issuer_does_not_answer(web: Web, clock: list[float]) -> None:
    assert verify(token())
    web.documents.clear()
    clock[0] += oidc.MAX_AGE_S - 1
    assert verify(token())
    assert verify(token(OTHER, "RS256", "invented")) is None


NAMED = {"issuer": URL, "jwks_uri": KEYS}


@pytest.mark.parametrize(
    ("documents", "says"),
    (
        ({}, "Fail to fetch data"),
        ({CONFIGURATION: []}, "did not return a JSON object"),
        ({CONFIGURATION: NAMED | {"issuer": "https://evil.example/"}}, "'https://evil.example/'"),
        ({CONFIGURATION: NAMED | {"jwks_uri": "http://login.example.com"}}, "no https address"),
        ({CONFIGURATION: NAMED | {"jwks_uri": "file:///etc/passwd"}}, "no https address"),
        ({CONFIGURATION: NAMED, KEYS: "https://login.example.com/moved"}, "HTTP Error 302"),
        ({CONFIGURATION: NAMED, KEYS: {"keys": []}}, "did not contain any keys"),
        ({CONFIGURATION: NAMED, KEYS: {"keys": ["text"]}}, "did not contain any usable keys"),
    ),
)
def test_without_keys_of_the_issuer_nobody_is_refused_by_mistake(
    web: Web, documents: dict[str, Any], says: str
) -> None:
    web.documents = documents
    with pytest.raises((ValueError, jwt.PyJWTError), match=says):
        verify(token())


@pytest.mark.parametrize(
    ("claims", "scopes"),
    (
        ({"scope": "a b"}, {"a", "b"}),
        ({"scp": ["a", "b"]}, {"a", "b"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({}, set()),
    ),
)
def test_scopes_are_read_in_the_forms_of_common_issuers(claims: Any, scopes: set[str]) -> None:
    assert oidc.scopes(claims) == scopes
