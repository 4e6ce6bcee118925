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
        *(
            "0 9 ? * MON-FRI *",
            "0 9 ? * SAT,SUN *",
            "0/15 * * * ? *",
            "*/5 8-18/2 1,15 * ? 2030-2031",
        ),
        *("0 3 L * ? *", "0 3 LW * ? *", "0 3 15W * ? *", "0 3 ? * 6L *", "0 3 ? JAN-MAR FRI#2 *"),
        *("0 3 ? * L *", "0 3 ? 2-2 1-7 *", "30 2 * * ? *", "0 3 ? * 2#5,3#1 *"),
    ),
)
def test_a_cron_expression_that_aws_takes_is_accepted(cron: str) -> None:
    assert not list(declaration_errors(ScheduleTrigger(f"cron({cron})")))


@pytest.mark.parametrize(
    ("cron", "says"),
    (
        ("0 9 ? * SAT-SUN *", "'SAT-SUN' is not a valid weekday: write 1 to 7, in ascending order"),
        ("0 22-3 * * ? *", "'22-3' is not a valid hour: write 0 to 23, in ascending order"),
        ("0 9 1 NOV-FEB ? *", "'NOV-FEB' is not a valid month"),
        ("0 9 1 * ? 2031-2030", "'2031-2030' is not a valid year"),
        ("0 9 1,28-3/2 * ? *", "'28-3/2' is not a valid day"),
        ("0/0 9 1 * ? *", "'0/0' is not a valid minute"),
        ("0 9 1 * ? 2030,", "'' is not a valid year"),
        ("1- 9 1 * ? *", "'1-' is not a valid minute"),
        ("1--2 9 1 * ? *", "'1--2' is not a valid minute"),
        ("/5 9 1 * ? *", "'/5' is not a valid minute"),
        ("*5 9 1 * ? *", "'*5' is not a valid minute"),
        ("0 9 W * ? *", "'W' is not a valid day"),
        ("0 9 32W * ? *", "'32W' is not a valid day"),
        ("0 9 ? * MON#6 *", "'MON#6' is not a valid weekday"),
        ("0 9 ? * 8L *", "'8L' is not a valid weekday"),
        ("0 9 ? * JAN *", "'JAN' is not a valid weekday"),
        ("0 9 1 MON ? *", "'MON' is not a valid month"),
        ("0 9 L L ? *", "is not"),
    ),
)
def test_a_cron_expression_that_never_fires_as_meant_is_refused(cron: str, says: str) -> None:
    errors = [*declaration_errors(ScheduleTrigger(f"cron({cron})"))]
    assert errors and says in errors[0]
