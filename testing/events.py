"""The events that AWS sends to the function of the API and to each kind of job."""

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote_plus

import msgspec

from function.declare.auth import CognitoPool, CustomAuth, Iam, Identity, Jwt
from function.declare.registry import load_endpoints
from function.declare.schema import EMPTY_MAPPING

Event = dict[str, Any]


def _resource(path: str) -> tuple[str, dict[str, str]]:
    """Return the declared path that serves a request, and the values of its parameters."""
    for declared in sorted(endpoint.path for endpoint in load_endpoints()):  # a "{" sorts last
        pattern = re.sub(r"\\{.*?\\}", "([^/]+)", re.escape(declared))
        if found := re.fullmatch(pattern, path):
            return declared, dict(zip(re.findall(r"{(.*?)}", declared), found.groups()))
    return path, {}


def _verified(method: str, resource: str, caller: Identity) -> dict[str, dict[str, Any]]:
    """Return the parts of `requestContext` in which API Gateway passes a verified caller."""
    declared = {(one.method, one.path): one.auth for one in load_endpoints()}
    auth, scopes = declared.get((method, resource)), " ".join(sorted(caller.scopes))
    issuer, _, subject = caller.id.rpartition("#")
    token = {"iss": issuer, "sub": subject, "exp": int(time.time()) + 3_600}
    if isinstance(auth, Iam):
        return {"identity": {**caller.claims, "userArn": caller.id}}
    if isinstance(auth, CognitoPool):
        texts = {name: str(value) for name, value in (token | {**caller.claims}).items()}
        return {"authorizer": {"claims": texts | ({"scope": scopes} if scopes else {})}}
    if isinstance(auth, (Jwt, CustomAuth)):
        claims = {**(token if isinstance(auth, Jwt) else {}), **caller.claims}
        passed = {"principalId": caller.id, "claims": json.dumps(claims), "scopes": scopes}
        return {"authorizer": passed}
    raise ValueError(
        f"{method} {resource}: only an endpoint with Jwt, CognitoPool, Iam or CustomAuth has a caller"
    )


def api_request(
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] = EMPTY_MAPPING,
    body: Any = None,
    api_key: str = "caller",
    ip: str = "192.0.2.1",
    caller: Identity | None = None,
) -> Event:
    """Return API Gateway's event for a request; `target` is its path with the query.

    A body that is neither str nor bytes is sent as JSON. `api_key` is both the id and the name of
    the key that API Gateway has checked; "" is none. `caller` is the verified caller of an endpoint
    with another kind of authentication: `Identity("https://issuer.example/#ada")` for a token.
    """
    path, _, query = target.partition("?")
    resource, path_parameters = _resource(path)
    sent = dict(headers)
    if body is not None and not isinstance(body, (bytes, str)):
        sent = {"Content-Type": "application/json", **sent}
        body = msgspec.json.encode(body).decode()
    binary = isinstance(body, bytes)
    values = parse_qs(query, keep_blank_values=True)
    verified = _verified(method, resource, caller) if caller else {}
    return {
        "httpMethod": method,
        "path": path,
        "resource": resource,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: many[-1] for name, many in values.items()},
        "multiValueQueryStringParameters": values,
        "pathParameters": path_parameters,
        "stageVariables": {"keys0": f"{api_key}={api_key}"},
        "body": base64.b64encode(body).decode() if binary else body,
        "isBase64Encoded": binary,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "identity": {
                "sourceIp": ip,
                **({"apiKeyId": api_key} if api_key else {}),
                **verified.get("identity", {}),
            },
            "authorizer": verified.get("authorizer", {}),
        },
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def schedule(scheduled: float | None = None, payload: Any = None) -> Event:
    """Return the event of a run that was scheduled for a Unix second, by default for now."""
    at = time.time() if scheduled is None else scheduled
    return {"scheduled": _iso(at)} | ({} if payload is None else {"payload": payload})


def messages(*bodies: Any, attempt: int = 1, group: str = "") -> Event:
    """Return the event of a queue's messages; a body that is no str is sent as JSON.

    With `group`, they are messages of that group in a FIFO queue.
    """
    attributes = {"ApproximateReceiveCount": str(attempt)}
    shared: dict[str, Any] = {"attributes": attributes}
    if group:
        attributes["MessageGroupId"] = group
        shared["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:queue.fifo"
    bodies = tuple(map(_text, bodies))
    return {
        "Records": [{"messageId": str(uuid.uuid4()), "body": body, **shared} for body in bodies]
    }


def notification(body: Any, **attributes: str) -> Event:
    """Return the event of a message of a topic; a body that is no str is sent as JSON."""
    sent = {name: {"Type": "String", "Value": value} for name, value in attributes.items()}
    message = {"MessageId": str(uuid.uuid4()), "Message": _text(body), "MessageAttributes": sent}
    return {"Records": [{"Sns": message}]}


def bus_event(source: str, detail_type: str, detail: Mapping[str, Any]) -> Event:
    """Return an event of an EventBridge bus."""
    return {
        "id": str(uuid.uuid4()),
        "source": source,
        "detail-type": detail_type,
        "detail": detail,
        "time": _iso(time.time()),
        "resources": [],
    }


def change(
    *,
    old: Mapping[str, Any] = EMPTY_MAPPING,
    new: Mapping[str, Any] = EMPTY_MAPPING,
    expired: bool = False,
) -> Event:
    """Return the event of a table's stream: an item before and after a change.

    Without `old` it is an INSERT, without `new` a REMOVE. `expired` stands for a removal by time to
    live.
    """
    images = {"OldImage": old, "NewImage": new}
    record = {
        "SequenceNumber": str(time.time_ns()),
        "ApproximateCreationDateTime": time.time(),
        **{name: msgspec.to_builtins(dict(image)) for name, image in images.items() if image},
    }
    name = "MODIFY" if old and new else "INSERT" if new else "REMOVE"
    user = {"principalId": "dynamodb.amazonaws.com"} if expired else None
    return {"Records": [{"eventName": name, "userIdentity": user, "dynamodb": record}]}


def created_object(bucket: str, key: str, size: int = 0) -> Event:
    """Return the event of an object that was created in a bucket."""
    entity = {"key": quote_plus(key), "size": size, "eTag": uuid.uuid4().hex}
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": entity}}]}
