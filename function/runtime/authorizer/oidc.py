"""Verifies JSON Web Tokens of an OpenID Connect issuer."""

import json
import re
import time
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from function.runtime import telemetry
from function.runtime.identity import LEEWAY_S

# By key type: the accepted algorithms. All are asymmetric, so no public key can make a signature.
ALGORITHMS = {
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
    "RSA": ("PS256", "PS384", "PS512", "RS256", "RS384", "RS512"),
}
# The function learns of revoked keys after at most MAX_AGE_S. It asks the issuer at most once in
# MIN_INTERVAL_S, so that tokens with invented key ids do not load it. If the issuer does not
# answer, known keys serve for MAX_OUTAGE_S.
MAX_AGE_S, MIN_INTERVAL_S, MAX_OUTAGE_S = 3_600, 30, 86_400
_TIMEOUT_S = 3
_MAX_BYTES = 512 * 1024

# The local run's issuer has no certificate.
_URL = re.compile(r"https://.+|http://127\.0\.0\.1:\d+(/.*)?")


class IssuerError(Exception):
    """The issuer does not answer, or publishes no usable keys."""


class Key(NamedTuple):
    """A public key and its algorithms."""

    value: Any
    algorithms: tuple[str, ...]


def _read_json(url: str) -> Any:
    _check(url)
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        _check(answer.url)  # the server may redirect
        return json.loads(answer.read(_MAX_BYTES))


def _check(url: str) -> None:
    if not _URL.fullmatch(url):
        raise ValueError(f"{url} is no https address")


def _usable(keys: Any) -> dict[str, Key]:
    """Return the signature keys by id; leave out those that this function cannot use."""
    found = {}
    for one in keys:
        algorithms = ALGORITHMS.get(one.get("kty"), ())
        if "alg" in one:
            algorithms = tuple(name for name in algorithms if name == one["alg"])
        if algorithms and one.get("kid") and one.get("use", "sig") == "sig":
            try:
                found[one["kid"]] = Key(jwt.PyJWK(one).key, algorithms)
            except (jwt.PyJWTError, TypeError, ValueError):
                continue
    return found


class Issuer:
    """An issuer with its current keys."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: dict[str, Key] = {}
        self._read_at = self._asked_at = float("-inf")

    def _fetch(self) -> dict[str, Key]:
        configuration = _read_json(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if configuration["issuer"] != self.url:
            raise ValueError(f"its configuration names another issuer, {configuration['issuer']!r}")
        if not (found := _usable(_read_json(configuration["jwks_uri"])["keys"])):
            raise ValueError("it publishes no usable key")
        return found

    def key(self, name: str) -> Key | None:
        """Return a key by id, or None; raise IssuerError if the issuer gave none for a day."""
        now = time.monotonic()
        stale = name not in self._keys or now - self._read_at > MAX_AGE_S
        if stale and now - self._asked_at > MIN_INTERVAL_S:
            self._asked_at = now
            try:
                self._keys, self._read_at = self._fetch(), now
            except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
                telemetry.log_exception(IssuerError(f"{self.url}: {type(error).__name__}: {error}"))
        if now - self._read_at > MAX_OUTAGE_S:
            self._keys = {}
        if not self._keys:
            raise IssuerError(f"{self.url}: no keys at the moment")
        return self._keys.get(name)

    def verify(self, token: str, audience: str) -> dict[str, Any] | None:
        """Return the claims of a valid token for an audience, or None."""
        try:
            header = jwt.get_unverified_header(token)
            key = self.key(header.get("kid", ""))
            if not key or "crit" in header:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key.value,
                algorithms=key.algorithms,
                audience=audience,
                issuer=self.url,
                leeway=LEEWAY_S,
                options={
                    "require": ["aud", "exp", "iss", "sub"],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.PyJWTError:
            return None
        return claims if claims["sub"] else None


def scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes in `scope` (RFC 8693) or, for other issuers, `scp`."""
    found: set[str] = set()
    for value in (claims.get("scope"), claims.get("scp")):
        found |= set(value.split() if isinstance(value, str) else value or ())
    return frozenset(map(str, found))
