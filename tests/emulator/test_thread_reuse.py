"""Calls run on threads that are used again."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from emulator import thread_reuse

_value: ContextVar[str] = ContextVar("_value", default="")


def _fail() -> None:
    raise SystemExit("no")


def test_thread_runs_one_call_after_another_and_survives_errors() -> None:
    first = thread_reuse.submit(threading.get_ident).result(60)
    with pytest.raises(SystemExit):
        thread_reuse.submit(_fail).result(60)
    while not thread_reuse._idle:  # the thread is about to be idle
        pass
    assert thread_reuse.submit(threading.get_ident).result(60) == first


def test_busy_threads_do_not_delay_a_call() -> None:
    end = threading.Event()
    busy = [thread_reuse.submit(end.wait) for _ in range(3)]
    assert thread_reuse.submit(lambda: "done").result(60) == "done"
    assert not any(each.done() for each in busy)
    end.set()
    assert [each.result(60) for each in busy] == [True] * 3


def test_call_has_the_context_of_its_caller_and_ends_before_a_cancelled_one() -> None:
    end, ended = threading.Event(), []

    def work() -> None:
        end.wait()
        ended.append(_value.get())

    async def caller() -> None:
        _value.set("caller")
        await thread_reuse._run(work, thread_name="name")

    async def main() -> None:
        task = asyncio.create_task(caller())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended == ["caller"]


def test_replacement_of_a_thread_reports_its_end() -> None:
    end = threading.Event()
    thread = thread_reuse._Thread(target=end.wait, args=(60,), daemon=True, name="reader")
    thread.start()
    thread.join(timeout=0)
    assert thread.is_alive()
    end.set()
    thread.join(timeout=60)
    assert not thread.is_alive()
