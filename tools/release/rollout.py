"""Shifts the aliases to the deployed versions in two steps, with the stack's alarms as the judge.

With the config key `rollout`, Pulumi publishes versions and leaves the aliases. A new version first
gets a share of the invocations. If an alarm fires meanwhile, the alias returns to the former
version; otherwise the new one gets all invocations.
"""

from collections.abc import Mapping, Sequence
from time import sleep
from typing import Any

from tools.release import pipeline_io, rollback

POLL_S = 15


def firing(cloudwatch: Any, alarms: Sequence[str]) -> set[str]:
    """Return the names of the alarms in the state ALARM."""
    kinds = ("CompositeAlarm", "MetricAlarm")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmTypes=kinds, StateValue="ALARM"
    )
    found = (alarm for page in pages for kind in kinds for alarm in page.get(f"{kind}s", ()))
    return {alarm["AlarmName"] for alarm in found} & {*alarms}


def shift(client: Any, cloudwatch: Any, outputs: Mapping[str, Any]) -> list[str]:
    """Shift the aliases to the versions in the outputs; return the error of a fired alarm.

    An alarm that fires before the shift does not count, so you can deploy a fix.
    """
    percent, minutes, alarms = (outputs["rollout"][key] for key in ("percent", "minutes", "alarms"))
    deployed = rollback.named(outputs["function_versions"])
    former = {name: rollback.live_version(client, name) for name in deployed}
    shifted = [name for name, version in deployed.items() if former[name] != version]
    if not shifted:
        return []
    before = firing(cloudwatch, alarms)
    rest = former
    try:
        for name in shifted:
            rollback.wait_until_active(client, name, deployed[name])
            rollback.move(client, name, former[name], {deployed[name]: percent / 100})
        print(f"{percent} % of the invocations for {minutes} minutes: {', '.join(shifted)}")
        fired = _wait_for_alarm(cloudwatch, alarms, before, minutes)
        rest = former if fired else deployed
    finally:  # after an interruption, too
        for name in shifted:
            rollback.move(client, name, rest[name])
    report = "; ".join(f"{name}: version {rest[name]} serves" for name in shifted)
    pipeline_io.summarize(f"### Rollout\n\n{report}")
    print(report)
    return [f"error: alarm {', '.join(sorted(fired))} fired during the rollout"] if fired else []


def _wait_for_alarm(
    cloudwatch: Any, alarms: Sequence[str], before: set[str], minutes: int
) -> set[str]:
    """Return the alarms that fire within some minutes, without those of `before`."""
    for _ in range(minutes * 60 // POLL_S):
        sleep(POLL_S)
        if fired := firing(cloudwatch, alarms) - before:
            return fired
    return set()
