"""Declarations that could never work are refused, with their place and the reason."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint, Response
from function.declare.job import Job
from function.declare.permission import ServicePermission
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


def _job(handle: Any) -> Job:
    return Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Runs.", handle=handle)


def _endpoint(handle: Any = runs, **changes: Any) -> Endpoint[Any]:
    return Endpoint("GET", "/it", "Reads.", handle, {204: None}, **changes)


@pytest.mark.parametrize(
    ("handle", "says"),
    (
        (coroutine, "coroutine (function/declare/test_checks.py, line 17) is asynchronous or a"),
        (async_generator, "async_generator ("),
        (generator, "generator (function/declare/test_checks.py, line 24) is "),
        (functools.partial(coroutine), "coroutine ("),
        (functools.partial(functools.partial(generator)), "generator ("),
        (functools.cache(coroutine), "coroutine ("),
        (staticmethod(coroutine), "coroutine ("),
        (AsyncCall(), "__call__ ("),
        (functools.partial(AsyncCall()), "__call__ ("),
        (AsyncCall().method, "method ("),
    ),
)
@pytest.mark.parametrize("declare", (_job, _endpoint))
def test_a_handler_that_returns_before_it_runs_is_refused(
    declare: Callable[..., Any], handle: Any, says: str
) -> None:
    (error,) = declaration_errors(declare(handle))
    assert says in error and error.startswith("handle: ")


@pytest.mark.parametrize(
    "handle", (runs, print, PlainCall(), functools.partial(runs), functools.cache(runs), bridged)
)
def test_a_handler_that_runs_is_accepted(handle: Any) -> None:
    assert not list(declaration_errors(_job(handle)))


def test_a_response_is_no_handler() -> None:
    error, *_ = declaration_errors(_endpoint(Response(status=204, body=None)))
    assert error.startswith("handle must be of type Callable, not Response(")


@pytest.mark.parametrize(
    "origin",
    (
        *("https://shop.example", "http://localhost:3000", "https://[::1]:3000", "*"),
        *("capacitor://localhost", "app://my_app", "https://shop.example:80", "http://a:443"),
    ),
)
def test_an_origin_that_browsers_send_is_accepted(origin: str) -> None:
    assert not list(declaration_errors(_endpoint(cors=(origin,))))


@pytest.mark.parametrize(
    "origin",
    (
        *("https://shop.example:443", "http://shop.example:80", "https://[::g]", "null"),
        *("https://shop.example:0443", "https://shop.example/", "https://Shop.example"),
        *("https://*.example", "https://..", "shop.example", "https://user@shop.example"),
    ),
)
def test_an_origin_that_no_browser_sends_is_refused_with_the_reason(origin: str) -> None:
    (error,) = declaration_errors(_endpoint(cors=(origin,)))
    assert error == (
        f"cors: {origin!r} must be an origin like https://example.com, without a path, or '*' "
        "alone; browsers leave out the default port"
    )


def test_any_origin_stands_alone() -> None:
    assert list(declaration_errors(_endpoint(cors=("*", "https://shop.example"))))


def test_a_call_that_outlasts_api_gateway_is_refused() -> None:
    slow = ServicePermission("s3", "*", ("s3:GetObject",), timeout_s=60)
    (error,) = declaration_errors(_endpoint(permissions=(slow,)))
    assert "a call may take 123 s, but the response must come within 29 s" in error
    assert not list(declaration_errors(_endpoint(permissions=(slow._replace(timeout_s=12),))))
