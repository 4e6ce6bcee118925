"""Declarations that could never work are refused, with their place and the reason."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from function.declare.bucket import Bucket
from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint, Parameter, Response, SampleRequest
from function.declare.job import Job
from function.declare.permission import BucketPermission, ServicePermission
from function.declare.trigger import ScheduleTrigger


async def coroutine(_: Any) -> None: ...


async def async_generator(_: Any) -> AsyncIterator[int]:
    yield 1


def generator(_: Any) -> Iterator[int]:
    yield 1


def runs(_: Any) -> None: ...


class AsyncCall:
    """An object whose call only makes a coroutine; so does its method."""

    async def __call__(self, _: Any) -> None: ...

    async def method(self, _: Any) -> None: ...


class PlainCall:
    """An object whose call runs."""

    def __call__(self, _: Any) -> None: ...


@functools.wraps(coroutine)
def bridged(item: Any) -> None:
    asyncio.run(coroutine(item))


def _job(**changes: Any) -> Job:
    job = Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Runs.", handle=runs)
    return job._replace(**changes)


def _endpoint(**changes: Any) -> Endpoint[Any]:
    endpoint: Endpoint[Any] = Endpoint(
        "GET",
        "/it",
        "Reads.",
        runs,
        {204: None},  # type: ignore[arg-type]
    )
    return endpoint._replace(**changes)


@pytest.mark.parametrize(
    ("handle", "says"),
    (
        (coroutine, "coroutine (function/declare/test_checks.py, line 18) is a coroutine"),
        (async_generator, "is an async generator function"),
        (generator, "is a generator function, so a call returns before it runs"),
        (functools.partial(coroutine), "is a coroutine function"),
        (functools.partial(functools.partial(generator)), "is a generator function"),
        (functools.cache(coroutine), "is a coroutine function"),
        (staticmethod(coroutine), "is a coroutine function"),
        (AsyncCall(), "__call__"),
        (functools.partial(AsyncCall()), "is a coroutine function"),
        (AsyncCall().method, "is a coroutine function"),
        (AsyncCall, "handle must be a function, not the class AsyncCall"),
        (dict, "handle must be a function, not the class dict"),
    ),
)
@pytest.mark.parametrize("declare", (_job, _endpoint))
def test_a_handler_that_returns_before_it_runs_is_refused(
    declare: Callable[..., Any], handle: Any, says: str
) -> None:
    (error,) = declaration_errors(declare(handle=handle))
    assert says in error and error.startswith("handle")


@pytest.mark.parametrize(
    "handle", (runs, print, PlainCall(), functools.partial(runs), functools.cache(runs), bridged)
)
def test_a_handler_that_runs_is_accepted(handle: Any) -> None:
    assert not list(declaration_errors(_job(handle=handle)))


@pytest.mark.parametrize(
    "handle",
    (lambda: None, lambda one, two: None, lambda one, *, two: None),  # type: ignore[misc]
)
def test_a_handler_that_takes_no_single_argument_is_refused(handle: Any) -> None:
    (error,) = declaration_errors(_job(handle=handle))
    assert "test_checks.py, line " in error and error.endswith("must take one argument")


@pytest.mark.parametrize(
    "handle",
    (lambda one, two=2: None, lambda *all_: None, lambda one, *, two=2, **more: None),
)
def test_a_handler_may_have_further_arguments_with_defaults(handle: Any) -> None:
    assert not list(declaration_errors(_job(handle=handle)))


@pytest.mark.parametrize(
    "origin",
    (
        *(
            "https://shop.example",
            "http://localhost:3000",
            "https://[::1]:3000",
            "http://127.0.0.1",
        ),
        *("capacitor://localhost", "ionic://localhost", "tauri://localhost", "app://my_app"),
        *("chrome-extension://abcdefgh", "https://shop.example:80", "http://a:443", "*"),
    ),
)
def test_an_origin_that_browsers_send_is_accepted(origin: str) -> None:
    assert not list(declaration_errors(_endpoint(cors=(origin,))))


@pytest.mark.parametrize(
    ("origin", "says"),
    (
        ("https://shop.example:443", "browsers leave out the default port"),
        ("http://shop.example:80", "browsers leave out the default port"),
        ("https://[::g]", "must be an origin like"),
        ("https://shop.example:0443", "must be an origin like"),
        *(
            (origin, "must be an origin like https://example.com, without a path, or '*' alone")
            for origin in (
                *("https://shop.example/", "https://Shop.example", "https://*.example", "null"),
                *("https://..", "shop.example", "https://user@shop.example", "https://bücher.de"),
            )
        ),
    ),
)
def test_an_origin_that_no_browser_sends_is_refused_with_the_reason(origin: str, says: str) -> None:
    (error,) = declaration_errors(_endpoint(cors=(origin,)))
    assert error.startswith(f"cors: {origin!r} ") and says in error


def test_any_origin_stands_alone() -> None:
    assert list(declaration_errors(_endpoint(cors=("*", "https://shop.example"))))


def test_a_call_that_outlasts_api_gateway_is_refused() -> None:
    slow = ServicePermission("s3", "*", ("s3:GetObject",), timeout_s=60)
    (error,) = declaration_errors(_endpoint(permissions=(slow,)))
    assert "a call may take 123 s by its permissions, but a response must come within 29 s" in error
    assert not list(declaration_errors(_endpoint(permissions=(slow._replace(timeout_s=12),))))


def test_only_a_parameter_of_the_query_is_repeated() -> None:
    tag = Parameter("tag", "A tag.", repeated=True)
    sample = SampleRequest(query={"tag": ("a", "b")})
    assert not list(declaration_errors(_endpoint(query=(tag,), sample=sample)))
    (error,) = declaration_errors(_endpoint(request_headers=(tag,)))
    assert error == "only a parameter of the query can be repeated"


def test_a_response_is_no_handler() -> None:
    error, *_ = declaration_errors(_endpoint(handle=Response(status=204, body=None)))
    assert error.startswith("handle must be of type Callable, not Response(")


def test_a_declaration_is_no_name_of_it() -> None:
    errors = declaration_errors(BucketPermission(Bucket("files"), ("s3:GetObject",)))  # type: ignore[arg-type]
    assert next(errors).endswith("; write its name: 'files'")


def test_a_media_type_alone_is_no_response() -> None:
    (error,) = declaration_errors(_endpoint(responses={200: "text/csv"}))
    assert error == "response 200 must be a type or Raw('text/csv'), not a text"
