"""A gradual rollout: the aliases and alarms of a running local stack."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import waiter

from local.local_stack import LocalStack
from tests.e2e.test_pipeline import act_in_account
from tools.release import rollback, rollout, verify

MINUTES = 5


class Rollout:
    """A published version of the API's function that the alias does not serve yet."""

    def __init__(self, local: LocalStack, alarms: int) -> None:
        self.client = local.emulator.client("lambda")
        self.cloudwatch = local.emulator.client("cloudwatch")
        self.function = local.outputs["function_name"]
        self.former = rollback.live_version(self.client, self.function)
        self.client.update_function_configuration(
            FunctionName=self.function, Description=f"After version {self.former}"
        )
        self.version = self.client.publish_version(FunctionName=self.function)["Version"]
        named = self.cloudwatch.describe_alarms()["MetricAlarms"]
        self.alarms = [alarm["AlarmName"] for alarm in named][:alarms]
        self.outputs = {
            **local.outputs,
            "function_versions": f"{self.function}:{self.version}",
            "rollout": {"percent": 10, "minutes": MINUTES, "alarms": self.alarms},
        }
        self.weights: list[Any] = []

    def alias(self) -> dict[str, Any]:
        """Return the alias."""
        found: dict[str, Any] = self.client.get_alias(
            FunctionName=self.function, Name=rollback.ALIAS
        )
        return found

    def set_alarm(self, value: str) -> None:
        """Put the last alarm into a state."""
        self.cloudwatch.set_alarm_state(
            AlarmName=self.alarms[-1], StateValue=value, StateReason="A test."
        )

    def sleep(self, then: Callable[[], None] = lambda: None) -> Callable[[float], None]:
        """Return a replacement of time.sleep that records the weights and runs `then`."""

        def record(_: float) -> None:
            self.weights.append(self.alias().get("RoutingConfig"))
            then()

        return record

    def serves(self) -> str:
        """Return the version that gets all invocations."""
        alias = self.alias()
        assert "RoutingConfig" not in alias
        return str(alias["FunctionVersion"])


@pytest.fixture(name="published")
def _published(local: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Rollout:
    act_in_account(monkeypatch, local)
    # The waiter for a version sleeps five seconds before it looks again.
    soon = SimpleNamespace(sleep=lambda _: time.sleep(0.05))
    monkeypatch.setattr(waiter, "time", soon)
    return Rollout(local, alarms=3)


def test_a_version_gets_a_share_and_then_all_invocations(
    published: Rollout, local: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "sleep", published.sleep())
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(published.outputs))
    assert verify.main([str(outputs), str(outputs), published.former]) == 0
    share = {"AdditionalVersionWeights": {published.version: 0.1}}
    assert published.weights == [share] * (MINUTES * 60 // rollout.POLL_S)
    assert published.serves() == published.version
    assert local.call().status < 300
    # Nothing is left to shift.
    assert not rollout.shift(published.client, published.cloudwatch, published.outputs)


def test_an_alarm_returns_all_invocations_to_the_former_version(
    published: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "sleep", published.sleep(lambda: published.set_alarm("ALARM")))
    try:
        (error,) = rollout.shift(published.client, published.cloudwatch, published.outputs)
    finally:
        published.set_alarm("OK")
    assert published.alarms[-1] in error and len(published.weights) == 1
    assert published.serves() == published.former


def test_an_alarm_that_fires_already_does_not_stop_the_fix(
    published: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.set_alarm("ALARM")
    monkeypatch.setattr(rollout, "sleep", published.sleep())
    try:
        assert not rollout.shift(published.client, published.cloudwatch, published.outputs)
    finally:
        published.set_alarm("OK")
    assert published.serves() == published.version


def test_an_interruption_returns_to_the_former_version(
    published: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rollout, "sleep", published.sleep(interrupt))
    with pytest.raises(KeyboardInterrupt):
        rollout.shift(published.client, published.cloudwatch, published.outputs)
    assert published.weights and published.serves() == published.former
