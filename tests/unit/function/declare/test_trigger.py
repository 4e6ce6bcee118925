"""Every layer handles every trigger, and refuses a trigger that it does not know."""

from types import SimpleNamespace

import pytest

from components.triggers import TRIGGER_RESOURCES
from function.declare.trigger import TRIGGERS
from function.runtime import job_handler


def test_each_layer_has_a_row_for_each_trigger() -> None:
    assert set(job_handler.EVENT_HANDLERS) == set(TRIGGERS)
    assert set(TRIGGER_RESOURCES) == set(TRIGGERS)


def test_an_unknown_trigger_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_handler, "_job", lambda: SimpleNamespace(trigger=object()))
    with pytest.raises(KeyError):
        job_handler.handler({"Records": []}, None)
