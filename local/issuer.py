"""The test issuer of the local run: it gives tokens, and publishes the key that verifies them.

The local run uses it in place of each declared issuer and user pool.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.stack_files import ROOT

FILE = ROOT / ".local" / "issuer.json"
_KEY_ID, _ALGORITHM = "local", "RS256"
_CONFIGURATION, _KEYS = "/.well-known/openid-configuration", "/jwks"


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

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    @property
    def key(self) -> Any:
        """The private key, made on first use."""
        with self._lock:
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


@contextmanager
def running() -> Iterator[Issuer]:
    """Run an issuer within the block."""
    with Issuer() as issuer:
        threading.Thread(target=issuer.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield issuer
        finally:
            issuer.shutdown()


def signs_for(auth: Any) -> bool:
    """Test whether an authentication takes the tokens of an issuer."""
    from function.declare.auth import CognitoPool, Jwt

    return isinstance(auth, (Jwt, CognitoPool))


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


def token(
    known: Mapping[str, Any],
    auth: str,
    subject: str = "tester",
    scopes: str = "",
    seconds: int = 3_600,
    **more: Any,
) -> str:
    """Return a token for an authentication, by its name, that expires after some seconds.

    `known` is the content of FILE; its key may also be a private key object. `more` are further
    claims. Raises LookupError for an authentication that no endpoint of the stack has.
    """
    import jwt

    if auth not in known["claims"]:
        names = ", ".join(known["claims"]) or "none"
        raise LookupError(f"no endpoint takes tokens of {auth!r}; known: {names}")
    now = int(time.time())
    claims = {**known["claims"][auth], "sub": subject, "iat": now, "exp": now + seconds}
    claims |= ({"scope": scopes} if scopes else {}) | more
    return jwt.encode(claims, known["key"], _ALGORITHM, headers={"kid": _KEY_ID})


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
    parser.add_argument("--sub", default="tester", help="subject; default: %(default)s")
    parser.add_argument("--scope", default="", help="scopes, separated by spaces")
    parser.add_argument("--claim", action="append", default=[], type=_claim, metavar="NAME=JSON")
    parser.add_argument("--expires", type=int, default=3_600, metavar="SECONDS")
    chosen = parser.parse_args(arguments)
    more = dict(chosen.claim)
    print(token(known, chosen.auth, chosen.sub, chosen.scope, chosen.expires, **more))


if __name__ == "__main__":
    main()
