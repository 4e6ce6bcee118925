"""The endpoints' sample requests: the demo, the outputs and the smoke test use them."""

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from function.declare.auth import ApiKey, CognitoPool, Jwt, Public
from function.declare.endpoint import Endpoint, SampleRequest
from function.declare.permission import TablePermission
from function.declare.problem import Problem
from function.declare.schema import Form, Raw, media_type
from function.runtime.body import parse

NO_SAMPLE = (
    "no endpoint has a sample: add sample=SampleRequest() to an ENDPOINT in function/endpoints/; "
    "each deployment sends it (function/declare/endpoint.py)"
)

_WRITES = frozenset(
    f"dynamodb:{name}"
    for name in ("BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem")
)


def default_sample(endpoints: Iterable[Endpoint[Any]]) -> Endpoint[Any] | None:
    """Return the endpoint whose sample shows the most.

    Samples that need only an API key come first, and then those that write to a table.
    """
    sampled = [endpoint for endpoint in endpoints if endpoint.sample is not None]
    ranked = sorted(sampled, key=lambda one: (not needs_only_a_key(one), not table(one)))
    return next(iter(ranked), None)


def needs_only_a_key(endpoint: Endpoint[Any]) -> bool:
    """Test whether a client can call an endpoint with the stack's API key alone."""
    return isinstance(endpoint.auth, (ApiKey, Public))


def path_and_query(endpoint: Endpoint[Any]) -> str:
    """Return the path of an endpoint's sample, including the query."""
    sample = endpoint.sample or SampleRequest()
    path = endpoint.path
    for name, value in sample.path_parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return f"{path}?{urlencode(sample.query, doseq=True)}" if sample.query else path


def unknown_path(endpoints: Iterable[Endpoint[Any]]) -> str:
    """Return a path that no endpoint serves: it has more segments than any of theirs."""
    deepest = max((endpoint.path.count("/") for endpoint in endpoints), default=0)
    return "/no-such-route" * (deepest + 1)


def sent_body(endpoint: Endpoint[Any]) -> tuple[str, bytes | None]:
    """Return the media type and the body of an endpoint's sample; "" and None for no body."""
    body = endpoint.sample.body if endpoint.sample else None
    if body is None:
        return "", None
    kind = media_type(endpoint.body)
    if isinstance(endpoint.body, Form):
        return kind, urlencode(body, doseq=True).encode()
    if isinstance(endpoint.body, Raw):
        kind = kind.replace("*/*", "application/octet-stream")
        return kind, body if isinstance(body, bytes) else body.encode()
    return kind, json.dumps(body).encode()


def errors(endpoint: Endpoint[Any]) -> Iterator[str]:
    """Return the errors in the body of an endpoint's sample."""
    if endpoint.sample and endpoint.body is not None:
        try:
            kind, sent = sent_body(endpoint)
            parse(endpoint.body, kind, sent or b"")
        except (AttributeError, Problem, TypeError, ValueError) as error:
            yield f"sample: {error}"


def curl(endpoint: Endpoint[Any], url: str, key: str) -> str:
    """Return the curl command of an endpoint's sample, with the key or the token that it needs."""
    sample = endpoint.sample or SampleRequest()
    headers = {"x-api-key": key} if isinstance(endpoint.auth, ApiKey) else {}
    words = ["curl", "-X", endpoint.method]
    kind, body = sent_body(endpoint)
    if body is not None:
        headers["Content-Type"] = kind
        words += ["-d", body.decode(errors="replace")]
    for name, value in {**headers, **sample.headers}.items():
        words += ["-H", f"{name}: {value}"]
    command = shlex.join([*words, url + path_and_query(endpoint)])
    if isinstance(endpoint.auth, (CognitoPool, Jwt)):
        options = ["--auth", endpoint.auth.name, f"scope={' '.join(endpoint.scopes)}"]
        make = shlex.join(["make", "-s", "token", f"ARGS={shlex.join(options)}"])
        command += f' -H "Authorization: Bearer $({make})"'
    return command


def table(endpoint: Endpoint[Any]) -> str:
    """Return the name of the first table that an endpoint may write to; "" if there is none."""
    for access in endpoint.permissions:
        if isinstance(access, TablePermission) and _WRITES & set(access.actions):
            return access.table
    return ""
