"""A function's worker: an invocation's log is whole, and nobody waits for more."""

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator import lambda_workers
from tests.emulator.conftest import function_of

_CODE = """
import os
import time

print("loaded")


def handler(event, context):
    print(event["text"])
    if event.get("ends"):
        os._exit(1)
    time.sleep(event.get("takes", 0))
"""


@pytest.fixture(name="worker")
def _worker(own_workers: None) -> Iterator[Any]:
    worker = lambda_workers._Worker("told", *function_of("told", {"main.py": _CODE}).values())
    yield worker
    worker.kill()


def _log(worker: Any, **event: Any) -> str:
    return str(worker.invoke(event, "request")["log"])


def test_a_log_has_what_its_invocation_wrote_and_the_first_what_loading_did(worker: Any) -> None:
    assert [_log(worker, text=text) for text in ("one\ntwo", "", "drei €")] == [
        "loaded\none\ntwo",
        "",
        "drei €",
    ]


def test_what_no_pipe_holds_is_written_and_logged(worker: Any) -> None:
    text = "\n".join(f"{number:099}" for number in range(500_000))
    assert _log(worker, text=text) == f"loaded\n{text}"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the buffer of a pipe")
def test_a_log_that_a_large_pipe_holds_is_whole() -> None:
    (responses, _), (log, written) = os.pipe(), os.pipe()
    fcntl.fcntl(written, fcntl.F_SETPIPE_SZ, 262_144)
    os.write(written, b"x" * 200_000)
    process: Any = SimpleNamespace(stdout=os.fdopen(responses), stderr=os.fdopen(log))
    assert lambda_workers._Output(process).take_log() == "x" * 200_000


@pytest.mark.parametrize("end", ({"ends": True}, {"takes": 60}))
def test_what_ends_within_an_invocation_has_its_log_and_the_next_starts_anew(
    worker: Any, end: dict[str, Any]
) -> None:
    worker.config["Timeout"] = 1 if "takes" in end else 10
    assert _log(worker, text="last", **end) == "loaded\nlast"
    assert _log(worker, text="first") == "loaded\nfirst"


def test_nothing_is_waited_for(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=time.monotonic, time=time.time)  # that has no sleep
    monkeypatch.setattr(lambda_runtime, "time", clock)
    assert [_log(worker, text=text) for text in ("one", "two")] == ["loaded\none", "two"]


@pytest.fixture(name="workers")
def _workers(worker: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Return the pool of workers, where version 2 of the function is published."""
    workers: dict[str, list[Any]] = {}
    monkeypatch.setattr(lambda_runtime, "_workers", workers)
    config = {**worker.config, "Version": "2"}
    found = {"config": config, "code_zip": worker.code_zip}, config
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_qualifier", lambda *_: found)
    return workers


def _move_alias() -> None:
    lambda_workers._move_alias(lambda *_: None, "told", "live", {"FunctionVersion": "2"})


def test_a_new_version_starts_a_worker_before_its_first_request(
    worker: Any, workers: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = lambda_runtime._worker_key("told", worker.config, "{}")
    workers[key.format(1)] = [worker]
    done = threading.Event()
    spawn = lambda_runtime.ensure_spawned
    monkeypatch.setattr(lambda_runtime, "ensure_spawned", lambda one: (spawn(one), done.set()))
    _move_alias()
    (started,) = workers[key.format(2)]
    assert done.wait(60)
    answer = started.invoke({"text": "first"}, "request")
    started.kill()
    assert (answer["log"], answer["cold_start"]) == ("loaded\nfirst", False)


def test_an_unused_function_starts_no_worker(workers: dict[str, list[Any]]) -> None:
    _move_alias()
    assert not workers


def test_the_function_behind_api_gateway_starts_before_its_first_request(
    workers: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_runtime, "ensure_spawned", lambda _: None)
    for service, started in (("events", 0), ("apigateway", 1)):
        permission = {"Principal": f"{service}.amazonaws.com"}
        lambda_workers._add_permission(lambda *_: None, "told", permission, {}, None)
        assert len(workers) == started
