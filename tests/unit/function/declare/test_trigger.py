"""Every layer handles every trigger, and refuses a trigger that it does not know."""

from types import SimpleNamespace

import pytest

from components.triggers import TRIGGER_RESOURCES
from function.declare.checks import declaration_errors
from function.declare.trigger import TRIGGERS, ScheduleTrigger
from function.runtime import job_handler


def test_each_layer_has_a_row_for_each_trigger() -> None:
    assert set(job_handler.EVENT_HANDLERS) == set(TRIGGERS)
    assert set(TRIGGER_RESOURCES) == set(TRIGGERS)


def test_an_unknown_trigger_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_handler, "_job", lambda: SimpleNamespace(trigger=object()))
    with pytest.raises(KeyError):
        job_handler.handler({"Records": []}, None)


@pytest.mark.parametrize(
    "cron",
    (
        *("0 9 ? * MON-FRI *", "0/15 * * * ? *", "*/5 8-18/2 1,15 * ? 2030-2031"),
        *("0 3 L * ? *", "0 3 15W * ? *", "0 3 ? JAN-MAR FRI#2 *", "0 3 ? 2-2 1-7 *"),
    ),
)
def test_a_cron_expression_that_aws_takes_is_accepted(cron: str) -> None:
    assert not list(declaration_errors(ScheduleTrigger(f"cron({cron})")))


@pytest.mark.parametrize(
    ("cron", "says"),
    (
        ("0 9 ? * SAT-SUN *", "the range 7-1 must ascend"),
        ("0 22-3 * * ? *", "the range 22-3 must ascend"),
        ("0 9 1 NOV-FEB ? *", "the range 11-2 must ascend"),
        ("0 9 1,28-3/2 * ? *", "the range 28-3 must ascend"),
        ("0 9 * * * *", "needs one '?', as its day or its weekday"),
        ("0 9 ? *", "write rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-31T12:00:00)"),
    ),
)
def test_a_cron_expression_that_never_fires_as_meant_is_refused(cron: str, says: str) -> None:
    error, *_ = declaration_errors(ScheduleTrigger(f"cron({cron})"))
    assert says in error
