"""A team's own customize.py."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components import ConfigError
from local import stack_files
from local.stack_files import ROOT
from tests.conftest import STACK, declare, one

PAGE = (ROOT / "docs" / "using-components.md").read_text("utf-8")
COMPOSED, CUSTOMIZED = re.findall(r"^```python\n(.*?)```", PAGE, re.M | re.S)
FUNCTION, ALARM = "aws:lambda/function:Function", "aws:cloudwatch/metricAlarm:MetricAlarm"


@pytest.fixture(name="customized")
def _customized(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the page's customize.py in place of this project's."""
    module: dict[str, Any] = {}
    exec(CUSTOMIZED, module)
    monkeypatch.setattr("customize.customize", module["customize"])
    declare.cache_clear()
    yield
    declare.cache_clear()


@pytest.mark.usefixtures("customized")
def test_a_customized_property_is_declared_beside_guard_tags_and_secrets() -> None:
    email = stack_files.Secret("nobody@example.com")
    resources = declare(alarm_email=email, protect_data="true")
    assert one(resources, FUNCTION, "-function")["ephemeralStorage"] == {"size": 1024}
    alarm = one(resources, ALARM, "-api-5xx-rate")
    assert alarm["threshold"] == 0.01
    assert alarm["tags"].items() >= {"pager": "yes", "stack": STACK}.items()
    (subscription,) = (r for r in resources if r.kind.endswith(":TopicSubscription"))
    assert "endpoint" in subscription.secret
    (guard,) = (r for r in resources if r.kind.endswith(":EpochDestroyGuard"))
    assert guard.protect and {r.urn for r in resources if r.kind == FUNCTION} <= {*guard.depends_on}


@pytest.mark.usefixtures("customized")
def test_an_unknown_property_is_an_error_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def customize(kind: str, _name: str, properties: dict[str, Any]) -> None:
        if kind == FUNCTION:
            properties["memory"] = 640

    monkeypatch.setattr("customize.customize", customize)
    with pytest.raises(
        ConfigError, match="customize.py: aws:lambda.* no property memory, but: mem"
    ):
        declare()
