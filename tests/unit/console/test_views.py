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
KEY = {"digest": {"B": b"\x00\xff"}, "at": {"N": "1"}, "name": {"S": "é"}}


def _stub(service: str) -> tuple[Any, Stubber]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client(service, region_name="eu-central-1", **keys)
    stub = Stubber(client)
    stub.activate()
    return client, stub


def _stack(client: Any, **outputs: Any) -> views.Stack:
    emulator = SimpleNamespace(client=lambda _: client)
    local: Any = local_stack.LocalStack(
        region="eu-central-1",
        run=lambda: None,  # type: ignore[arg-type, return-value]
        outputs=outputs,
        emulator=emulator,  # type: ignore[arg-type]
        deployer=emulator,  # type: ignore[arg-type]
        traces=None,  # type: ignore[arg-type]
        issuer=None,  # type: ignore[arg-type]
    )
    console: Any = SimpleNamespace(started=NOW - 60)
    return views.Stack(console=console, local=local)


def test_binary_attributes_are_base64_at_any_depth() -> None:
    client, stub = _stub("dynamodb")
    stub.add_response("scan", {"Items": [ITEM]})
    stub.add_response("scan", {"Items": [ITEM]})
    stack = _stack(client, table_name="table")

    shown = json.loads(json.dumps(stack.table("table")["items"]))

    assert shown == [
        {
            "digest": {"B": "AP8="},
            "tags": {"BS": ["AQ==", "Ag=="]},
            "nested": {"M": {"parts": {"L": [{"B": "Aw=="}, {"NULL": True}]}}},
        }
    ]
    assert stack.local.items() == shown


def test_next_page_of_a_table_starts_at_the_last_key() -> None:
    client, stub = _stub("dynamodb")
    stub.add_response("scan", {"Items": [ITEM], "LastEvaluatedKey": KEY})
    asked = {"TableName": "table", "Limit": 25, "ExclusiveStartKey": KEY}
    stub.add_response("scan", {"Items": []}, asked)
    stack = _stack(client)

    after = stack.table("table")["after"]

    assert stack.table("table", after) == {"items": [], "after": ""}
    stub.assert_no_pending_responses()


def test_the_page_fills_in_the_key_and_a_token_with_all_scopes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jwt = Jwt(issuer="https://issuer.example/", audience="shop")
    endpoints = [notes.endpoint(auth=jwt, scopes=(scope,)) for scope in ("write", "read")]
    monkeypatch.setattr(registry, "load_endpoints", lambda: [*endpoints, notes.endpoint()])
    local: Any = SimpleNamespace(
        outputs={"default_api_key": "the-key"},
        fixed_claims=lambda: {"jwt": {"aud": "shop"}},
        token=lambda auth, scopes, seconds: f"{auth} {scopes} {seconds}",
    )
    console: Any = None
    shown = views.Stack(console=console, local=local).credentials()
    assert shown == {"apiKey": "the-key", "jwt": "jwt read write 86400"}


@pytest.mark.parametrize("points", [[(NOW - 3000, 9)], []])
def test_window_of_the_graphs_holds_every_point(
    points: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.time, "time", lambda: NOW)
    properties = {
        "title": "Requests",
        "period": 3600,
        "metrics": [["AWS/ApiGateway", "Count", {"stat": "Sum"}]],
    }
    objective = {"title": "SLO", "view": "singleValue", "metrics": [[{"expression": "a / b"}]]}
    widgets = [{"type": "metric", "properties": each} for each in (objective, properties)]
    body = json.dumps({"widgets": widgets})
    starts = [datetime.fromtimestamp(at, UTC) for at, _ in points]
    client, stub = _stub("cloudwatch")
    stub.add_response("list_dashboards", {"DashboardEntries": [{"DashboardName": "dashboard"}]})
    stub.add_response("get_dashboard", {"DashboardBody": body})
    stub.add_response("describe_alarms", {"MetricAlarms": [], "CompositeAlarms": []})
    result = {
        "Id": "q0",
        "Label": "Count",
        "Timestamps": starts,
        "Values": [value for _, value in points],
    }
    stub.add_response("get_metric_data", {"MetricDataResults": [result]})

    shown = _stack(client).metrics()

    (graph,) = shown["graphs"]
    assert graph == {"title": "Requests", "lines": [{"label": "Count", "points": points}]}
    assert shown["from"] <= min([NOW - 1, *(at for at, _ in points)])
