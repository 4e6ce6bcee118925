"""The sample calls that endpoints declare: what is shown, named in outputs, and tried after each
deployment."""

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from function.declare.endpoint import Endpoint, SampleRequest
from function.declare.permission import TablePermission
from function.declare.problem import Problem
from function.runtime import body

NONE = (
    "no endpoint has a sample: add sample=SampleRequest() to an ENDPOINT of function/endpoints/, a call "
    "that may be made after each deployment (function/declare/endpoint.py)"
)

_WRITES = frozenset(
    f"dynamodb:{name}"
    for name in ("BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem")
)


def first(endpoints: Iterable[Endpoint[Any]]) -> Endpoint[Any] | None:
    """Return the first endpoint with a sample that writes to a table, else the first with one."""
    sampled = [endpoint for endpoint in endpoints if endpoint.sample is not None]
    return next(iter(sorted(sampled, key=lambda endpoint: not table(endpoint))), None)


def target(endpoint: Endpoint[Any]) -> str:
    """Return the path of an endpoint's sample, its query included."""
    sample = endpoint.sample or SampleRequest()
    path = endpoint.path
    for name, value in sample.path_parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return f"{path}?{urlencode(sample.query)}" if sample.query else path


def errors(endpoint: Endpoint[Any]) -> Iterator[str]:
    """Return why an endpoint, whose types are right, would refuse its sample's body."""
    if endpoint.sample and endpoint.body is not None:
        try:
            text = json.dumps(endpoint.sample.body)
            body.read(endpoint.body, "application/json", {"body": text})
        except (Problem, TypeError, ValueError) as error:
            yield f"sample: {error}"


def curl(endpoint: Endpoint[Any], url: str, key: str) -> str:
    """Return the command that makes an endpoint's sample call; the key goes where it is asked."""
    sample = endpoint.sample or SampleRequest()
    headers = {} if endpoint.public else {"x-api-key": key}
    words = ["curl", "-X", endpoint.method]
    if sample.body is not None:
        headers["Content-Type"] = "application/json"
        words += ["-d", json.dumps(sample.body)]
    for name, value in {**headers, **sample.headers}.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, url + target(endpoint)])


def table(endpoint: Endpoint[Any]) -> str:
    """Return the name of the first table that an endpoint may write to; "" for none."""
    for access in endpoint.permissions:
        if isinstance(access, TablePermission) and _WRITES & set(access.actions):
            return access.table
    return ""
