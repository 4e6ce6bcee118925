"""The console's views of tables and metrics, with stubbed AWS clients."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from console import views
from function.declare import registry
from function.declare.auth import Jwt
from local import local_stack
from tests.fixtures import notes

NOW = 1_800_000_000
ITEM = {
    "digest": {"B": b"\x00\xff"},
    "tags": {"BS": [b"\x01", b"\x02"]},
    "nested": {"M": {"parts": {"L": [{"B": b"\x03"}, {"NULL": True}]}}},
}


def _stub(service: str) -> tuple[Any, Stubber]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client(service, region_name="eu-central-1", **keys)
    stub = Stubber(client)
    stub.activate()
    return client, stub


def _stack(client: Any, **outputs: Any) -> views.Stack:
    emulator = SimpleNamespace(client=lambda _: client)
    local: Any = local_stack.LocalStack(
        run=lambda: None,  # type: ignore[arg-type, return-value]
        outputs=outputs,
        emulator=emulator,  # type: ignore[arg-type]
        traces=None,  # type: ignore[arg-type]
        issuer=None,  # type: ignore[arg-type]
    )
    return views.Stack(console=None, local=local)  # type: ignore[arg-type]


def test_binary_attributes_are_base64_at_any_depth() -> None:
    client, stub = _stub("dynamodb")
    stub.add_response("scan", {"Items": [ITEM]})
    stub.add_response("scan", {"Items": [ITEM]})
    stack = _stack(client, table_name="table")

    shown = json.loads(json.dumps(stack.items("table")["items"]))

    assert shown == [
        {
            "digest": {"B": "AP8="},
            "tags": {"BS": ["AQ==", "Ag=="]},
            "nested": {"M": {"parts": {"L": [{"B": "Aw=="}, {"NULL": True}]}}},
        }
    ]
    assert stack.local.items() == shown


def test_the_page_fills_in_the_key_and_a_token_with_all_scopes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jwt = Jwt(issuer="https://issuer.example/", audience="shop")
    endpoints = [notes.endpoint(auth=jwt, scopes=(scope,)) for scope in ("write", "read")]
    monkeypatch.setattr(registry, "load_endpoints", lambda: [*endpoints, notes.endpoint()])
    local: Any = SimpleNamespace(
        outputs={"default_api_key": "the-key"},
        fixed_claims=lambda: {"jwt": {"aud": "shop"}},
        token=lambda auth, scope: f"{auth} {scope}",
    )
    console: Any = None
    shown = views.Stack(console=console, local=local).credentials()
    assert shown == {"apiKey": "the-key", "jwt": "jwt read write"}


def test_a_graph_has_the_points_of_each_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views.time, "time", lambda: NOW)
    properties = {
        "title": "Requests",
        "period": 3600,
        "metrics": [["AWS/ApiGateway", "Count", {"stat": "Sum"}]],
    }
    objective = {"title": "SLO", "view": "singleValue", "metrics": [[{"expression": "a / b"}]]}
    widgets = [{"type": "metric", "properties": each} for each in (objective, properties)]
    client, stub = _stub("cloudwatch")
    stub.add_response("list_dashboards", {"DashboardEntries": [{"DashboardName": "dashboard"}]})
    stub.add_response("get_dashboard", {"DashboardBody": json.dumps({"widgets": widgets})})
    stub.add_response("describe_alarms", {"MetricAlarms": [], "CompositeAlarms": []})
    at = datetime.fromtimestamp(NOW, UTC)
    result = {"Id": "q0", "Label": "Count", "Timestamps": [at], "Values": [9.0]}
    stub.add_response("get_metric_data", {"MetricDataResults": [result]})

    graph = {"title": "Requests", "lines": [{"label": "Count", "points": [(NOW, 9)]}]}
    assert _stack(client).metrics() == {"now": NOW, "graphs": [graph], "alarms": []}
