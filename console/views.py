"""The console's views of a stack, as JSON."""

import ast
import json
import operator
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec

from console.console import Console
from local import local_stack, stack_files
from local.pulumi_program import Resource

_PAGE_ITEMS = 25
_WINDOW_S, _MIN_WINDOW_S = 3_600, 300  # graphs show the last hour, or less for a young stack

Json = dict[str, Any]


class _KeyValue(TypedDict, total=False):
    """The value of a key attribute in DynamoDB's JSON."""

    S: str
    N: str
    B: bytes


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack and its declared resources."""

    console: Console
    local: local_stack.LocalStack

    def _client(self, service: str) -> Any:
        return self.local.emulator.client(service)

    @property
    def stack(self) -> str:
        """The stack's name."""
        return next(iter(self.console.resources.values())).urn.split(":")[2]

    @property
    def api(self) -> str:
        """The URL of the API's stage."""
        return str(self.local.outputs["api_url"])

    def document(self) -> Json:
        """Return the OpenAPI document of the current sources, with the local API as server."""
        printed = subprocess.run(
            [sys.executable, "-m", "openapi"], cwd=stack_files.ROOT, check=True, capture_output=True
        ).stdout
        document: Json = json.loads(printed)
        return document | {"servers": [{"url": self.api}]}

    def resources(self) -> Json:
        """Return the declared resources and the outputs, without secrets."""
        outputs, secret = self.local.outputs, self.local.secret
        return {
            "project": stack_files.project_name(),
            "stack": self.stack,
            "outputs": {k: None if k in secret else v for k, v in outputs.items()},
            "resources": [_shown(resource) for resource in self.console.resources.values()],
        }

    def secret(self, name: str, urn: str = "") -> Json:
        """Return a secret property of a resource, or the stack's secret output of that name."""
        values = self.console.resources[urn].inputs if urn else self.local.outputs
        return {"value": values[name]}

    def picture(self) -> str:
        """Return the architecture diagram as SVG."""
        from console import diagram

        declared = sorted(self.console.resources.values(), key=lambda each: each.urn)
        return diagram.draw(declared, self.stack)

    def tables(self) -> Json:
        """Return the tables with their keys and item counts."""
        client = self._client("dynamodb")
        names = client.list_tables()["TableNames"]
        described = [client.describe_table(TableName=name)["Table"] for name in names]
        return {
            "tables": [
                {
                    "name": table["TableName"],
                    "items": table["ItemCount"],
                    "keys": [key["AttributeName"] for key in table["KeySchema"]],
                }
                for table in described
            ]
        }

    def table(self, name: str, after: str = "") -> Json:
        """Return a page of a table's items, and the start key of the next page."""
        key = msgspec.json.decode(after, type=dict[str, _KeyValue]) if after else None
        start = {"ExclusiveStartKey": key} if key else {}
        page = self._client("dynamodb").scan(TableName=name, Limit=_PAGE_ITEMS, **start)
        following = page.get("LastEvaluatedKey")
        return {
            "items": local_stack.json_items(page["Items"]),
            "after": msgspec.json.encode(following).decode() if following else "",
        }

    def jobs_and_queues(self) -> Json:
        """Return the jobs with their last lines, and the queues with their message counts.

        It also reads dead-letter queues: they have no consumer that this could disturb.
        """
        client = self._client("sqs")
        queues = {
            url: client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in client.list_queues().get("QueueUrls", [])
        }
        return {
            "jobs": [
                {
                    "name": name,
                    "function": function,
                    "lines": self.console.request_log.output(function),
                }
                for name, function in self.local.outputs["job_functions"].items()
            ],
            "queues": [
                {
                    "name": url.rpartition("/")[2],
                    "waiting": int(attributes["ApproximateNumberOfMessages"]),
                    "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                    "dead_letters": (
                        [] if "RedrivePolicy" in attributes else self._dead_letters(url)
                    ),
                }
                for url, attributes in queues.items()
            ],
        }

    def _dead_letters(self, url: str) -> list[str]:
        peek = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        found = self._client("sqs").receive_message(QueueUrl=url, **peek).get("Messages", [])
        return [message["Body"] for message in found]

    def run(self, job: str) -> Json:
        """Start a job now, as its schedule would."""
        due = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._client("lambda").invoke(
            FunctionName=self.local.outputs["job_functions"][job],
            InvocationType="Event",
            Payload=json.dumps({"scheduled": due}),
        )
        return {}

    def send(self, queue: str, body: str) -> Json:
        """Send a message to a queue."""
        client = self._client("sqs")
        url = client.get_queue_url(QueueName=queue)["QueueUrl"]
        fifo = {"MessageGroupId": "console", "MessageDeduplicationId": secrets.token_hex(8)}
        more = fifo if queue.endswith(".fifo") else {}
        client.send_message(QueueUrl=url, MessageBody=body, **more)
        return {}

    def metrics(self) -> Json:
        """Return the dashboard's graphs and the alarms."""
        client = self._client("cloudwatch")
        names = [entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"]]
        boards = [client.get_dashboard(DashboardName=name)["DashboardBody"] for name in names]
        widgets = [widget for board in boards for widget in json.loads(board)["widgets"]]
        alarms, now = (
            client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"]),
            time.time(),
        )
        graphs = [self._graph(one["properties"], now) for one in widgets if one["type"] == "metric"]
        # A point has the time at which its period began, also if that is before the run's start.
        times = [at for graph in graphs for line in graph["lines"] for at, _ in line["points"]]
        start = max(now - _WINDOW_S, min(self.console.started, now - _MIN_WINDOW_S))
        return {
            "from": min([start, *times]),
            "to": now,
            "graphs": graphs,
            "alarms": [
                {
                    "name": alarm["AlarmName"],
                    "description": alarm.get("AlarmDescription", ""),
                    "state": alarm["StateValue"],
                    "reason": alarm.get("StateReason", ""),
                }
                for alarm in (*alarms["MetricAlarms"], *alarms["CompositeAlarms"])
            ],
        }

    def _graph(self, properties: Json, now: float) -> Json:
        queries = [
            _query(f"q{index}", properties, entry)
            for index, entry in enumerate(properties["metrics"])
        ]
        asked = [query for query in queries if "MetricStat" in query]
        results = self._client("cloudwatch").get_metric_data(
            MetricDataQueries=[{**query, "ReturnData": True} for query in asked],
            StartTime=now - _WINDOW_S,
            EndTime=now + 60,
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        points = {
            result["Id"]: [
                (at.timestamp(), value)
                for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            ]
            for result in results
        }
        totals = {name: sum(value for _, value in each) for name, each in points.items()}
        return {
            "title": properties["title"],
            "single": properties.get("view") == "singleValue",
            "lines": [
                {
                    "label": query["Label"],
                    "points": points.get(query["Id"])
                    or ([(now, value)] if (value := _evaluate(query, totals)) is not None else []),
                }
                for query in queries
                if query["ReturnData"]
            ],
        }


_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
    ast.Sub: operator.sub,
}


def _evaluate(query: Json, totals: Mapping[str, float]) -> float | None:
    """Return the value of a query's expression over totals, or None; MiniStack evaluates none."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left, sign, right):
                return _OPERATORS[type(sign)](value(left), value(right))
            case ast.Name(name):
                return totals[name]
        return float(ast.literal_eval(node))

    try:
        return value(ast.parse(query["Expression"], mode="eval").body)
    except (ArithmeticError, KeyError, ValueError):
        return None


def _shown(resource: Resource) -> Json:
    """Return a resource without its secrets; an archive becomes the name of its type."""
    shown = {key: getattr(resource, key) for key in ("urn", "parent", "kind", "name", "component")}
    shown["properties"] = {k: v for k, v in resource.inputs.items() if k not in resource.secret}
    shown["secret"] = sorted(resource.secret)
    found: Json = json.loads(json.dumps(shown, default=lambda each: type(each).__name__))
    return found


def _query(default_id: str, properties: Json, entry: list[Any]) -> Json:
    """Return the query for a dashboard's metric: [namespace, name, dimensions..., options].

    An expression has only options.
    """
    *metric, options = entry
    asked = {
        "Id": options.get("id", default_id),
        "Label": options.get("label", options.get("id", default_id)),
        "ReturnData": options.get("visible", True),
    }
    period = min(options.get("period", properties["period"]), _WINDOW_S)
    if "expression" in options:
        return asked | {"Expression": options["expression"], "Period": period}
    namespace, name, *dimensions = metric
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    return asked | {
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
            },
            "Period": period,
            "Stat": options["stat"],
        }
    }
