"""Tokens: valid ones, every attack, and the rotation of keys."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

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
            KEYS: {"keys": [jwk(OWN, "one"), jwk(CURVE, "curve", alg="ES256")]},
        }
        self.read: list[str] = []

    def __call__(self, url: str) -> Any:
        self.read.append(url)
        if url not in self.documents:
            raise OSError("no answer")
        return self.documents[url]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """Return the stand-in for the issuer's site."""
    found = Web()
    monkeypatch.setattr(oidc, "_read_json", found)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return the monotonic time in a list, for the test to move on."""
    now = [1_000.0]
    monkeypatch.setattr(oidc.time, "monotonic", lambda: now[0])
    yield now


@pytest.mark.usefixtures("web")
def test_a_valid_token_gives_its_claims() -> None:
    for sent in (
        token(),
        token(CURVE, "ES256", "curve"),
        token(OWN, "PS256"),
        token(aud=["other", AUDIENCE]),
        token(exp=int(time.time()) - 5),  # within the leeway for clocks
    ):
        claims = oidc.Issuer(URL).verify(sent, AUDIENCE)
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
    assert oidc.Issuer(URL).verify(attacks()[attack], AUDIENCE) is None


def test_published_secrets_keys_for_encryption_and_broken_ones_are_left_out(web: Web) -> None:
    keys, secret = web.documents[KEYS]["keys"], b"s" * 32
    keys += [jwk(OTHER, "secrets", use="enc"), {"kty": "RSA", "kid": "broken"}, {"kty": "EC"}]
    keys += [{"kty": "oct", "kid": "secret", "k": _part(secret)}]
    issuer = oidc.Issuer(URL)
    assert issuer.verify(token(secret, "HS256", "secret"), AUDIENCE) is None
    assert issuer.verify(token(OTHER, "RS256", "secrets"), AUDIENCE) is None
    assert issuer.verify(token(OWN, "RS256", "broken"), AUDIENCE) is None
    assert issuer.verify(token(), AUDIENCE)


def test_a_new_key_is_found_and_a_former_one_is_refused(web: Web, clock: list[float]) -> None:
    issuer = oidc.Issuer(URL)
    assert issuer.verify(token(), AUDIENCE)
    web.documents[KEYS] = {"keys": [jwk(OTHER, "two")]}
    clock[0] += oidc.MIN_INTERVAL_S + 1
    assert issuer.verify(token(OTHER, "RS256", "two"), AUDIENCE)
    assert issuer.verify(token(), AUDIENCE) is None


def test_a_revoked_key_is_refused_once_the_keys_are_old(web: Web, clock: list[float]) -> None:
    issuer = oidc.Issuer(URL)
    assert issuer.verify(token(), AUDIENCE)
    web.documents[KEYS] = {"keys": [jwk(OTHER, "two")]}
    assert issuer.verify(token(), AUDIENCE)
    clock[0] += oidc.MAX_AGE_S + 1
    assert issuer.verify(token(), AUDIENCE) is None


def test_invented_key_ids_ask_the_issuer_once_in_an_interval(web: Web, clock: list[float]) -> None:
    issuer = oidc.Issuer(URL)
    for number in range(20):
        assert issuer.verify(token(OTHER, "RS256", f"invented-{number}"), AUDIENCE) is None
    assert web.read.count(KEYS) == 1
    clock[0] += oidc.MIN_INTERVAL_S + 1
    assert issuer.verify(token(OTHER, "RS256", "invented"), AUDIENCE) is None
    assert web.read.count(KEYS) == 2


def test_known_keys_serve_for_a_day_while_the_issuer_does_not_answer(
    web: Web, clock: list[float]
) -> None:
    issuer = oidc.Issuer(URL)
    assert issuer.verify(token(), AUDIENCE)
    web.documents.clear()
    clock[0] += oidc.MAX_AGE_S + 1
    assert issuer.verify(token(), AUDIENCE)
    clock[0] += oidc.MAX_OUTAGE_S
    with pytest.raises(oidc.IssuerError, match="no keys at the moment"):
        issuer.verify(token(), AUDIENCE)


@pytest.mark.parametrize(
    "documents",
    (
        {},
        {CONFIGURATION: []},
        {
            CONFIGURATION: {"issuer": "https://evil.example/", "jwks_uri": KEYS},
            KEYS: {"keys": [jwk(OWN, "one")]},
        },
        {CONFIGURATION: {"issuer": URL, "jwks_uri": KEYS}, KEYS: {"keys": []}},
        {CONFIGURATION: {"issuer": URL, "jwks_uri": KEYS}, KEYS: {"keys": ["text"]}},
    ),
)
def test_without_keys_of_the_issuer_nobody_is_refused_by_mistake(
    web: Web, documents: dict[str, Any]
) -> None:
    web.documents = documents
    with pytest.raises(oidc.IssuerError, match="no keys at the moment"):
        oidc.Issuer(URL).verify(token(), AUDIENCE)


@pytest.mark.parametrize("url", ("http://login.example.com", "file:///etc/passwd", "ftp://a"))
def test_keys_come_by_https_only(url: str) -> None:
    with pytest.raises(ValueError, match="no https address"):
        oidc._read_json(url)


def test_a_redirect_to_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(url="http://login.example.com/keys", read=lambda _: b"{}")
    monkeypatch.setattr(
        oidc.urllib.request, "urlopen", lambda *_, timeout: nullcontext(answer) if timeout else None
    )
    with pytest.raises(ValueError, match="http://login.example.com/keys is no https address"):
        oidc._read_json(KEYS)
    answer.url = KEYS
    assert oidc._read_json(KEYS) == {}


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
