"""The test issuer of the local run: it gives tokens, and publishes the key that verifies them.

The local run uses it in place of each declared issuer and user pool.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.stack_files import ROOT

FILE = ROOT / ".local" / "issuer.json"
_KEY_ID, _ALGORITHM = "local", "RS256"
_CONFIGURATION, _KEYS = "/.well-known/openid-configuration", "/jwks"
_LIFETIME_S = 86_400


class _Publisher(BaseHTTPRequestHandler):
    """Publishes the issuer's configuration and key."""

    server: "Issuer"

    def do_GET(self) -> None:
        """Send a document; 404 for another path."""
        found = self.server.documents.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found or {}).encode())

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Issuer(ThreadingHTTPServer):
    """An OpenID Connect issuer at a free loopback port, with a key of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Publisher)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._lock = threading.Lock()
        self._key: Any = None

    @property
    def key(self) -> Any:
        """The private key, made on first use."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            self._key = self._key or rsa.generate_private_key(65_537, 2_048)
            return self._key

    @property
    def documents(self) -> dict[str, Any]:
        """The published documents by path."""
        from jwt.algorithms import RSAAlgorithm

        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        public |= {"kid": _KEY_ID, "alg": _ALGORITHM, "use": "sig"}
        configuration = {"issuer": self.url, "jwks_uri": f"{self.url}{_KEYS}"}
        return {_CONFIGURATION: configuration, _KEYS: {"keys": [public]}}

    @property
    def pem(self) -> str:
        """The private key as text, for `make token`."""
        from cryptography.hazmat.primitives import serialization as form

        pem, pkcs8 = form.Encoding.PEM, form.PrivateFormat.PKCS8
        return str(self.key.private_bytes(pem, pkcs8, form.NoEncryption()).decode())


def fixed_claims(auth: Any, issuer: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the claims that a Jwt or a CognitoPool requires of a token.

    `settings` are the environment variables of the stack's settings.
    """
    from function.declare.auth import Jwt, in_stack

    stack_auth = in_stack(auth, settings)
    if isinstance(auth, Jwt):
        return {"iss": issuer, "aud": stack_auth.audience}
    *_, region, _, pool = stack_auth.pool.split(":")
    return {"iss": f"https://cognito-idp.{region}.amazonaws.com/{pool.partition('/')[2]}"}


def token(known: Mapping[str, Any], auth: str, /, **claims: Any) -> str:
    """Return a token for an authentication, by its name, that lasts a day.

    `known` is the content of FILE; its key may also be a private key object. `claims` are added,
    such as `sub` or `scope`, or replace the default ones. Raises LookupError for an authentication
    that no endpoint of the stack has.
    """
    import jwt

    if auth not in known["claims"]:
        names = ", ".join(known["claims"]) or "none"
        raise LookupError(f"no endpoint takes tokens of {auth!r}; known: {names}")
    now = int(time.time())
    default = {**known["claims"][auth], "sub": "tester", "iat": now, "exp": now + _LIFETIME_S}
    return jwt.encode(default | claims, known["key"], _ALGORITHM, headers={"kid": _KEY_ID})


def _claim(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main(arguments: list[str] | None = None) -> None:
    """Print a token of the running stack's test issuer."""
    known = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"claims": {}}
    if not (names := list(known["claims"])):
        sys.exit("error: no stack with a Jwt or CognitoPool runs; start it by: make local")
    parser = argparse.ArgumentParser(prog="make token", description="Print a token.")
    parser.add_argument("--auth", choices=names, default=names[0], help="authentication's name")
    parser.add_argument(
        "claims", nargs="*", type=_claim, metavar="CLAIM=JSON", help="such as scope=orders:read"
    )
    chosen = parser.parse_args(arguments)
    print(token(known, chosen.auth, **dict(chosen.claims)))


if __name__ == "__main__":
    main()
