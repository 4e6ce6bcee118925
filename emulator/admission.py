"""Admits calls of deployed APIs, and AWS calls signed with this run's credentials.

Any web page can reach a port on loopback, under any host name that resolves to 127.0.0.1. So the
emulator refuses, before it reads a body or accesses a resource:

- a request for another host (DNS rebinding);
- outside the data plane, a request that a browser sends for a page (`Origin`, `Sec-Fetch-Site`),
  unless it is presigned for S3;
- outside the data plane, a request without a valid signature (SigV4, in the header, the query or
  the form of an upload) by the run's root credentials, or by a session or user that they created.

The data plane is `/_aws/execute-api/{api}/{stage}/...`, where the API checks keys and CORS itself.
"""

import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, responses, router, sigv4
from ministack.services import lambda_svc, s3, sts

from emulator.patching import Original, Patch, replace, wrap

_HEALTH = "/_ministack/health"
_DATA_PLANE = re.compile(r"/_aws/execute-api/[A-Za-z0-9]+/.*", re.DOTALL)


# MiniStack derives a function's credentials from its ARN, which is not secret.
_RUN_KEY = secrets.token_bytes(32)

# The access key of an admitted request; "" in the data plane.
_verified_key: ContextVar[str] = ContextVar("_verified_key", default="")


class _Refused(Exception):
    """A refused request: HTTP status, AWS error code and reason."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.message = status, code, reason


def _single(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """Return a header's value, or "" if it is missing; raises _Refused for a repeated header."""
    values = [value for key, value in headers if key.lower() == name]
    if len(values) > 1:
        raise _Refused(400, "InvalidRequest", f"Send the header {name.decode()} once.")
    return values[0].decode("latin-1") if values else ""


def _check_host(headers: list[tuple[bytes, bytes]], hosts: frozenset[str]) -> None:
    host = _single(headers, b"host")
    if host.lower() not in hosts:
        raise _Refused(421, "MisdirectedRequest", f"Send requests to {' or '.join(sorted(hosts))}.")


def _is_form(scope: Mapping[str, Any]) -> bool:
    """Test for the form of an upload to S3, which holds its signature."""
    if scope["method"] != "POST" or any(
        name.lower() == b"authorization" for name, _ in scope["headers"]
    ):
        return False
    kind = _joined_headers(scope["headers"]).get("content-type", "")
    return kind.startswith("multipart/form-data")


def _check_caller(scope: Mapping[str, Any]) -> None:
    """Refuse a page, unless whoever holds the run's credentials gave it a URL or form of S3."""
    query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"))
    presigned = query.get("X-Amz-Credential", [""])[0].endswith("/s3/aws4_request")
    presigned = presigned and b"authorization" not in {name.lower() for name, _ in scope["headers"]}
    if presigned or _is_form(scope):
        return
    if {b"origin", b"sec-fetch-site"} & {name.lower() for name, _ in scope["headers"]}:
        raise _Refused(403, "AccessDenied", "Web pages must not call AWS APIs of a local run.")


def _is_root_access_key(access_key_id: str) -> bool:
    """Match the run's own key, and the empty key of MiniStack's internal calls."""
    return not access_key_id or access_key_id == os.environ["AWS_ACCESS_KEY_ID"]


def _signature(
    headers: Mapping[str, str], query: Mapping[str, list[str]]
) -> tuple[sigv4.HeaderSignature, str]:
    """Return a request's signature and its session token; raises _Refused without a signature."""
    if headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        found, token = sigv4.parse_header_signature(headers), headers.get("x-amz-security-token")
    elif "X-Amz-Signature" in query:
        found, token = (
            sigv4.parse_query_signature(query),
            query.get("X-Amz-Security-Token", [""])[0],
        )
    else:
        raise _Refused(
            403,
            "MissingAuthenticationToken",
            "Sign the request with the credentials of this run, which `make local` names.",
        )
    if isinstance(found, tuple):
        raise _Refused(403, *found)
    if found.region_set is not None:
        raise _Refused(403, "IncompleteSignature", "Sign the request with AWS4-HMAC-SHA256.")
    return found, token or ""


def _check_lifetime(signature: sigv4.HeaderSignature, query: Mapping[str, list[str]]) -> None:
    expires = query.get("X-Amz-Expires", [""])[0] if "X-Amz-Signature" in query else ""
    if not expires:
        if late := sigv4.request_time_failure(signature):
            raise _Refused(403, *late)
        return
    try:
        expired = sigv4.presigned_request_is_expired(signature.amz_date, expires)
    except (OverflowError, ValueError):
        expired = True
    if expired:
        raise _Refused(403, "AccessDenied", "Request has expired.")


def _secret(key: str, token: str) -> str:
    """Return the secret key of an access key; raises _Refused for an unknown one."""
    account = responses._account_from_sts_session(key)
    account = account or iam_evaluator.find_iam_access_key_account(key)
    found = iam_evaluator.resolve_credential(key, account, token) if key else None
    if not isinstance(found, iam_evaluator.ResolvedCredential):
        code = found.code if found else "UnrecognizedClientException"
        raise _Refused(403, code, "The security token included in the request is invalid.")
    return str(found.secret_access_key)


class _Body:
    """A request body that is read once for the signature, then passed to the application."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._messages: list[Any] = []

    async def read(self) -> bytes:
        """Return the whole body."""
        content = bytearray()
        while True:
            message = await self._receive()
            self._messages.append(message)
            content += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body"):
                return bytes(content)

    async def __call__(self) -> Any:
        return self._messages.pop(0) if self._messages else await self._receive()


def _joined_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers in SigV4's form: lower-case names, repeated values joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        joined[key] = f"{joined[key]},{text}" if key in joined else text
    return joined


async def _check_signature(scope: Mapping[str, Any], body: _Body) -> str:
    """Return the access key of a request's valid signature."""
    query = parse_qs(
        scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True
    )
    headers = _joined_headers(scope["headers"])
    signature, token = _signature(headers, query)
    presigned = "X-Amz-Signature" in query and "authorization" not in headers
    _check_lifetime(signature, query)
    secret = _secret(signature.access_key_id, token)
    if failure := sigv4.header_signature_failure(
        signature,
        secret,
        scope["method"],
        (scope.get("raw_path") or b"").decode("latin-1"),
        query,
        headers,
        await body.read(),
        presigned=presigned,
    ):
        raise _Refused(403, *failure)
    key = str(signature.access_key_id)
    if router.extract_access_key_id(headers, query) != key:
        raise _Refused(403, "IncompleteSignature", "Name one access key in the request.")
    return key


async def _check_form(scope: Mapping[str, Any], body: _Body) -> str:
    """Return the access key of a form's valid signature; S3 itself checks the form's policy."""
    kind = _joined_headers(scope["headers"])["content-type"]
    parts = s3._parse_multipart_form(kind, await body.read())
    form = {part[0].lower(): part[3].decode("latin-1") for part in parts if part[0] != "file"}
    scoped = form.get("x-amz-credential", "").split("/")
    if len(scoped) != 5 or scoped[3] != "s3":
        raise _Refused(403, "AccessDenied", "Sign the form with the credentials of this run.")
    key, date, region, service, _ = scoped
    secret = _secret(key, form.get("x-amz-security-token", ""))
    expected = sigv4.calculate_signature(secret, date, region, service, form.get("policy", ""))
    if not hmac.compare_digest(expected.encode(), form.get("x-amz-signature", "").encode()):
        raise _Refused(403, "SignatureDoesNotMatch", "The signature of the form does not match.")
    return str(key)


def _pin_signed_request(original: Original, *request: Any, **options: Any) -> None:
    """Keep a request for MiniStack's check of its signature, unless it has been admitted."""
    if not (key := _verified_key.get()):
        original(*request, **options)
        return
    iam_evaluator._anonymous.set(False)
    iam_evaluator._signed_request.set(None)
    iam_evaluator._verified_key.set(key)


async def _refuse(scope: Mapping[str, Any], send: Any, refused: _Refused) -> None:
    """Send a refusal; a 403 uses the protocol of the called service."""
    status, fields = refused.status, {"Content-Type": "application/json"}
    body = json.dumps({"__type": refused.code, "message": refused.message}).encode()
    if status == 403:
        headers = _joined_headers(scope["headers"])
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"))
        service = router.detect_service(scope["method"], scope["path"], headers, query)
        status, fields, body = app._credential_failure(service, "", str(uuid4()), refused, headers)
    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    # No web page may read the response.
    pairs = [pair for pair in pairs if not pair[0].lower().startswith(b"access-control-")]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _admitting(serve: Any, port: int) -> Any:
    """Return an ASGI application that passes only admitted requests to `serve`."""
    hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))

    async def admit(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await serve(scope, receive, send)
            return
        body, verified_key = _Body(receive), ""
        try:
            _check_host(scope["headers"], hosts)
            if not _DATA_PLANE.fullmatch(scope["path"]):
                _check_caller(scope)
                if (scope["method"], scope["path"]) != ("GET", _HEALTH):
                    check = _check_form if _is_form(scope) else _check_signature
                    verified_key = await check(scope, body)
                    if scope["path"].startswith("/_ministack/"):
                        raise _Refused(404, "NotFound", "MiniStack's own API is off.")
        except _Refused as refused:
            await _refuse(scope, send, refused)
            return
        _verified_key.set(verified_key)
        await serve(scope, body, send)

    return admit


def _execution_credentials(config: dict[str, Any]) -> dict[str, str]:
    """Return unguessable credentials of a function's role."""
    function, role = config["FunctionArn"], config["Role"]

    def derived(purpose: str) -> str:
        return hmac.new(_RUN_KEY, f"{purpose}:{function}:{role}".encode(), "sha256").hexdigest()

    key, secret, token = f"ASIA{derived('key')[:16].upper()}", derived("secret"), derived("token")
    role_name, session_name = role.rpartition("/")[2], config["FunctionName"][:64]
    account = function.split(":")[4]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
            "UserId": f"{role_name}:{session_name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def patches(port: int) -> tuple[Patch, ...]:
    """Return the patches that refuse requests; the last ones installed are the outermost."""
    return (
        wrap(app, "pin_signed_request", _pin_signed_request),
        replace(iam_evaluator, "is_root_access_key", _is_root_access_key),
        replace(sts, "is_root_access_key", _is_root_access_key),
        replace(lambda_runtime, "execution_credentials", _execution_credentials),
        replace(lambda_svc, "execution_credentials", _execution_credentials),
        Patch(app, "app", partial(_admitting, port=port)),
    )
