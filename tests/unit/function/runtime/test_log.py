"""Log fields and metrics that a handler writes."""

import threading
from typing import Any

import pytest

from function.declare.endpoint import Request, Response
from function.declare.trigger import ScheduleTrigger
from function.runtime import job_handler, log
from tests.fixtures import notes

pytestmark = pytest.mark.usefixtures("service")


def _deep(word: str) -> None:
    log.add_fields(word=word, number=7)


def _lines(handle: Any) -> list[dict[str, Any]]:
    return notes.lines(lambda: notes.call(notes.endpoint(handle=handle)))


def test_fields_from_anywhere_are_in_the_line_and_the_responses_win() -> None:
    def handle(_: Request[Any]) -> Response:
        _deep("first")
        thread = threading.Thread(target=log.add_fields, kwargs={"other": "x" * 2_000})
        thread.start()
        thread.join()
        log.add_fields(status="taken")
        return Response(status=200, body={}, log_fields={"number": "8"})

    (line,) = _lines(handle)
    assert (line["word"], line["number"], line["status"]) == ("first", "8", 200)
    assert len(line["other"]) == 1_000


RUN = {"scheduled": "2030-01-31T12:00:00Z"}


def test_fields_of_a_handler_that_fails_are_in_its_line_and_no_other(job: Any) -> None:
    def handle(_: Any) -> None:
        _deep("seen")
        raise LookupError

    job(ScheduleTrigger("rate(1 day)"), handle)

    def run() -> None:
        with pytest.raises(LookupError):
            job_handler.handler(RUN, notes.CONTEXT)
        log.add_fields(late="ignored")

    *_, line = notes.lines(run)
    assert line["word"] == "seen" and line["outcome"] == "failed" and "late" not in line
    (line,) = _lines(lambda _: Response(status=200, body={}))
    assert "word" not in line


def test_a_metric_is_a_line_in_the_embedded_format() -> None:
    def handle(_: Request[Any]) -> Response:
        log.metric("Sales", 2, Channel="web")
        log.metric("Speed", 1.5, "Bytes/Second")
        return Response(status=204, body=None)

    sales, speed, request = _lines(handle)
    (directive,) = sales["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "local",
        "Dimensions": [["Channel"]],
        "Metrics": [{"Name": "Sales", "Unit": "Count"}],
    }
    assert (sales["Sales"], sales["Channel"]) == (2, "web") and "Sales" not in request
    (directive,) = speed["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [[]] and directive["Metrics"][0]["Unit"] == "Bytes/Second"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    (("Sales", float("nan"), "not a finite number"), ("message", 1, "'message' is reserved")),
)
def test_a_metric_that_cloudwatch_would_drop_is_an_error(
    name: str, value: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        log.metric(name, value)


def test_handlers_get_lambdas_context(job: Any) -> None:
    seen: list[Any] = []

    def handle(item: Any) -> Response | None:
        seen.append(item.context)
        return Response(status=200, body={}) if isinstance(item, Request) else None

    notes.call(notes.endpoint(handle=handle))
    job(ScheduleTrigger("rate(1 day)"), handle)
    job_handler.handler(RUN, notes.CONTEXT)
    assert seen == [notes.CONTEXT, notes.CONTEXT]
