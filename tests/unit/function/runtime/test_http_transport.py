"""Light headers: botocore makes the same requests with them as with its own types."""

import datetime
import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import auth, awsrequest, compat

from function.runtime import aws_client, http_transport


def _botocores_types() -> dict[str, Any]:
    """Return the types that the light headers replace, which another test may have replaced."""
    spec = importlib.util.find_spec("botocore.awsrequest")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {"HTTPHeaders": compat.HTTPHeaders, "HeadersDict": module.HeadersDict}


def _request(service: str, operation: str, arguments: dict[str, Any]) -> Any:
    """Return the signed request that a client would send."""
    client, sent = aws_client._client(service), []

    def keep(request: Any, **_: Any) -> Any:
        sent.append(request)
        body = SimpleNamespace(stream=lambda: [b"" if service == "s3" else b"{}"])
        return awsrequest.AWSResponse(request.url, 200, {"X-Amz-Crc32": "2745614147"}, body)

    client.meta.events.register_first("before-send", keep)
    getattr(client, operation)(**arguments)
    aws_client._client.cache_clear()
    return sent[0]


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    (
        ("dynamodb", "put_item", {"TableName": "things", "Item": {"key": {"S": "é"}}}),
        ("s3", "put_object", {"Bucket": "b", "Key": "k/ä", "Body": b"x", "Metadata": {"A": "1"}}),
        ("s3", "get_object", {"Bucket": "b", "Key": "k", "Range": "bytes=0-1"}),
        ("sqs", "send_message", {"QueueUrl": "https://sqs/1/q", "MessageBody": "text"}),
    ),
)
def test_a_request_with_light_headers_is_the_one_that_botocore_signs(
    monkeypatch: pytest.MonkeyPatch, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    now = datetime.datetime(2026, 11, 28, 12, 30, tzinfo=datetime.UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: now)
    aws_client._client.cache_clear()
    light = _request(service, operation, arguments)
    monkeypatch.setattr(http_transport, "_lighten_requests", lambda: None)
    theirs = _botocores_types()
    monkeypatch.setattr(auth, "HTTPHeaders", theirs["HTTPHeaders"])
    for name, kind in theirs.items():
        monkeypatch.setattr(awsrequest, name, kind)
    plain = _request(service, operation, arguments)
    assert isinstance(light.headers, http_transport.Headers)
    assert isinstance(plain.headers, theirs["HeadersDict"])
    expected = dict(plain.headers)
    once = expected.pop("amz-sdk-invocation-id")
    assert once and expected["Authorization"].startswith(b"AWS4-HMAC-SHA256 ")
    assert expected.items() <= dict(light.headers).items()
    assert len(light.headers) == len(plain.headers)
    assert (light.url, light.method) == (plain.url, plain.method)


def test_a_header_has_any_case_and_one_value() -> None:
    headers = http_transport.Headers([("Content-Type", "a"), ("content-type", "b")])
    headers["X-Amz-Date"] = "today"
    assert dict(headers) == {"content-type": "b", "X-Amz-Date": "today"}
    assert "CONTENT-TYPE" in headers and headers.get("Content-type") == "b"
    assert headers.get("none") is None and headers.get_all("X-AMZ-DATE") == ["today"]
    changed = headers.copy()
    del changed["X-Amz-Date"]
    headers.replace_header("X-Amz-DATE", "now")
    assert dict(changed) == {"content-type": "b"} and headers["x-amz-date"] == "now"
    assert [name for name, _ in headers.items()] == ["content-type", "X-Amz-DATE"]
