"""Calls to AWS: only errors that can pass are 503, and each error is named in the log."""

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import exceptions
from botocore.stub import Stubber

from function.declare.endpoint import Endpoint, Request, Response
from function.declare.permission import ServicePermission
from function.runtime import api_handler, aws_client, deadline, service, telemetry
from tests.fixtures import notes

S3 = ServicePermission("s3", "*", ("s3:PutObject",), timeout_s=3)
EVENT = {"httpMethod": "GET", "resource": "/it"}


@pytest.fixture(autouse=True)
def _credentials() -> Iterator[None]:
    with notes.credentials("us-east-1"):
        yield


@pytest.fixture(name="handled")
def _handled(
    monkeypatch: pytest.MonkeyPatch, records: list[logging.LogRecord]
) -> Callable[..., Any]:
    """Return a function that runs a handler, and returns the status and the log records."""

    def run(handle: Callable[[Request[Any]], Response]) -> tuple[int, list[Any]]:
        endpoint: Endpoint[Any] = Endpoint("GET", "/it", "Calls.", handle, {200: None})
        monkeypatch.setitem(api_handler._ROUTES, "GET /it", endpoint)
        return api_handler.handler(EVENT, None)["statusCode"], records

    return run


def _put(**changes: Any) -> Response:
    service.call(S3, "put_object", **{"Bucket": "b", "Key": "k", "Body": b"", **changes})
    return Response(200, {})


def test_an_argument_that_no_retry_mends_is_a_500_that_names_itself(handled: Any) -> None:
    status, (unexpected, line) = handled(lambda _: _put(Metadata={"n": "ü"}))
    assert status == 500
    assert isinstance(unexpected.exc_info[1], exceptions.ParamValidationError)
    assert line.awsError.startswith("ParamValidationError: Parameter validation failed")


URL = "https://b.example"


@pytest.mark.parametrize(
    ("error", "status"),
    (
        (exceptions.EndpointConnectionError(endpoint_url=URL), 503),
        (exceptions.ConnectTimeoutError(endpoint_url=URL), 503),
        (exceptions.ReadTimeoutError(endpoint_url=URL), 503),
        (exceptions.ConnectionClosedError(endpoint_url=URL), 503),
        (exceptions.SSLError(endpoint_url=URL, error="x"), 503),
        (exceptions.ProxyConnectionError(proxy_url=URL), 503),
        (exceptions.HTTPClientError(error=ConnectionResetError()), 503),
        (exceptions.HTTPClientError(error=ssl.SSLCertVerificationError()), 503),
        (exceptions.HTTPClientError(error=UnicodeEncodeError("latin-1", "→", 0, 1, "no")), 500),
        (exceptions.HTTPClientError(error=ValueError("Invalid header value")), 500),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), 503),
        (exceptions.CredentialRetrievalError(provider="x", error_msg="x"), 503),
        (exceptions.NoCredentialsError(), 500),
        (exceptions.NoRegionError(), 500),
        (exceptions.ParamValidationError(report="x"), 500),
        (exceptions.UnsupportedSignatureVersionError(signature_version="x"), 500),
        (UnicodeEncodeError("ascii", "ü", 0, 1, "no"), 500),
        (ValueError("Invalid endpoint"), 500),
        (deadline.DeadlineExceeded("late"), 503),
    ),
)
def test_only_an_error_that_can_pass_is_a_503_and_the_log_names_each(
    handled: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(deadline, "call_with_deadline", fail)
    answered, lines = handled(lambda _: _put())
    assert answered == status
    assert lines[-1].awsError == f"{type(error).__name__}: {error}"
    assert status == 503 or lines[0].exc_info[1] is error


@pytest.mark.parametrize(
    ("code", "http_status", "status"),
    (
        *(("SlowDown", 503, 503), ("Throttling", 400, 503), ("RequestTimeout", 400, 503)),
        *(("InternalError", 500, 503), ("TooManyRequestsException", 429, 503)),
        *(("404", 404, 500), ("403", 403, 500), ("NoSuchBucket", 404, 500)),
    ),
)
def test_an_error_of_a_service_is_a_503_if_it_can_pass_and_is_named(
    handled: Any, code: str, http_status: int, status: int
) -> None:
    with Stubber(aws_client._client("s3", 3)) as stubber:
        stubber.add_client_error("put_object", code, "Not now.", http_status_code=http_status)
        answered, lines = handled(lambda _: _put())
    assert answered == status and code in lines[-1].awsError and "Not now." in lines[-1].awsError


def test_a_call_that_succeeds_in_the_end_leaves_no_error_in_the_log(handled: Any) -> None:
    with Stubber(aws_client._client("s3", 3)) as stubber:
        stubber.add_client_error("put_object", "NoSuchBucket", http_status_code=404)

        def handle(_: Request[Any]) -> Response:
            with pytest.raises(exceptions.ClientError):
                _put()
            return Response(200, {})

        status, (line,) = handled(handle)
    assert status == 200 and not hasattr(line, "awsError")


def test_the_calls_of_a_handlers_threads_are_measured_and_traced(
    handled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(telemetry._sdk(), "emitter", SimpleNamespace(send_entity=sent.append))
    root = "1-5759e988-bd862e3fe1be46a994272793"  # pragma: allowlist secret
    parent = "53995c3f42cd8ad8"  # pragma: allowlist secret
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent={parent};Sampled=1")

    def measured() -> None:
        with telemetry.aws_call("DynamoDB", operation="GetItem"):
            pass

    def handle(_: Request[Any]) -> Response:
        threads = [threading.Thread(target=measured) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Response(200, {}, log_fields={"long": "x" * 100_000, "many": "é" * 900})

    status, (line,) = handled(handle)
    assert status == 200 and line.AwsCallLatency > 0 and line.long == "x" * 999 + "…"
    *calls, own = sent
    assert len(calls) == 24 and {call.parent_id for call in calls} == {own.id}
    assert own.annotations["long"] == line.long and own.annotations["outcome"] == "success"
    measured()
    assert sent[-1] is own  # a thread that outlives the request has no parent


def test_a_trace_fits_a_datagram_however_many_fields_there_are(
    handled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(telemetry._sdk(), "emitter", SimpleNamespace(send_entity=sent.append))
    monkeypatch.setenv(
        "_X_AMZN_TRACE_ID", f"Root=1-5759e988-{'0' * 24};Parent={'1' * 16};Sampled=1"
    )
    fields: Any = {f"field{number}": "\N{SNOWMAN}" * 2_000 for number in range(100)}
    handled(lambda _: Response(200, {}, log_fields=fields))
    assert 1 < len(sent[0].annotations) < 50
    assert len(sent[0].serialize()) < 65_000
