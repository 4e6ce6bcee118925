"""Verifies JSON Web Tokens of an OpenID Connect issuer."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt

from function.runtime.identity import LEEWAY_S

# The function learns of revoked keys after at most so many seconds. PyJWT looks for an unknown key
# at most every 30 seconds, so that tokens with invented key ids do not load the issuer.
MAX_AGE_S = 3_600
_TIMEOUT_S = 3

# The local run's issuer has no certificate.
_URL = re.compile(r"https://.+|http://127\.0\.0\.1:\d+(/.*)?")


def _client(url: str, **options: Any) -> jwt.PyJWKClient:
    """Return a client of one document, which follows no redirects."""
    if not _URL.fullmatch(url):
        raise ValueError(f"{url} is no https address")
    return jwt.PyJWKClient(url, timeout=_TIMEOUT_S, **options)


@cache
def _issuer_keys(issuer: str) -> jwt.PyJWKClient:
    """Return the client of the keys that an issuer's configuration names."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    configuration = _client(url, cache_jwk_set=False).fetch_data()
    if configuration["issuer"] != issuer:
        raise ValueError(f"the configuration at {url} names {configuration['issuer']!r} as issuer")
    return _client(configuration["jwks_uri"], lifespan=MAX_AGE_S)


def verify(issuer: str, token: str, audience: str) -> dict[str, Any] | None:
    """Return the claims of an issuer's valid token for an audience, or None.

    Raises an error if the issuer does not answer, or publishes no usable keys.
    """
    keys = _issuer_keys(issuer)
    keys.get_signing_keys()
    try:
        key = keys.get_signing_key(jwt.get_unverified_header(token).get("kid", ""))
        if key.key_type == "oct":  # a published secret, with which anyone can sign
            return None
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            audience=audience,
            issuer=issuer,
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
