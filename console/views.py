"""The console's views of a stack, as JSON."""

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.console import Console
from function.declare.auth import ApiKey
from local import local_stack, stack_files
from local.pulumi_program import Resource

_SHOWN_ITEMS = 100
_WINDOW_S = 3_600  # of the graphs

Json = dict[str, Any]


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
        """Return the OpenAPI document of the running version, with the local API as server."""
        # An update has reloaded it.
        from openapi.__main__ import document_text

        document: Json = json.loads(document_text())
        return document | {"servers": [{"url": self.api}]}

    def credentials(self) -> Json:
        """Return a value for each security scheme of the document that the local run can fill in:
        the stack's API key, and tokens with all scopes that last a day."""
        # An update has reloaded it.
        from function.declare.registry import load_endpoints

        scopes: dict[str, set[str]] = {}
        for endpoint in load_endpoints():
            scopes.setdefault(endpoint.auth.name, set()).update(endpoint.scopes)
        tokens = {
            auth: self.local.token(auth, scope=" ".join(sorted(scopes[auth])))
            for auth in self.local.fixed_claims()
        }
        return {ApiKey().name: self.local.outputs["default_api_key"]} | tokens

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

    def items(self, table: str) -> Json:
        """Return the first items of a table."""
        found = self._client("dynamodb").scan(TableName=table, Limit=_SHOWN_ITEMS)["Items"]
        return {"items": msgspec.to_builtins(found)}  # Binary in base64

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
        """Return the dashboard's graphs and the alarms.

        An objective of 30 days, a `singleValue`, means nothing in a local run.
        """
        client, now = self._client("cloudwatch"), time.time()
        names = [entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"]]
        boards = [client.get_dashboard(DashboardName=name)["DashboardBody"] for name in names]
        widgets = [widget for board in boards for widget in json.loads(board)["widgets"]]
        alarms = client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        graphs = [
            {"title": widget["properties"]["title"], "lines": self._lines(widget, now)}
            for widget in widgets
            if widget["type"] == "metric" and widget["properties"].get("view") != "singleValue"
        ]
        found = [*alarms["MetricAlarms"], *alarms["CompositeAlarms"]]
        return {"now": now, "graphs": graphs, "alarms": found}

    def _lines(self, widget: Json, now: float) -> list[Json]:
        """Return the lines of a graph, each with its points in time."""
        properties = widget["properties"]
        results = self._client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                _query(f"q{number}", metric, properties["period"])
                for number, metric in enumerate(properties["metrics"])
            ],
            StartTime=now - _WINDOW_S,
            EndTime=now + 60,
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        return [
            {
                "label": result["Label"],
                "points": [
                    (at.timestamp(), value)
                    for at, value in zip(result["Timestamps"], result["Values"], strict=True)
                ],
            }
            for result in results
        ]


def _shown(resource: Resource) -> Json:
    """Return a resource without its secrets; an archive becomes the name of its type."""
    shown = {key: getattr(resource, key) for key in ("urn", "parent", "kind", "name", "component")}
    shown["properties"] = {k: v for k, v in resource.inputs.items() if k not in resource.secret}
    shown["secret"] = sorted(resource.secret)
    found: Json = json.loads(json.dumps(shown, default=lambda each: type(each).__name__))
    return found


def _query(identity: str, metric: list[Any], period: int) -> Json:
    """Return the query for a dashboard's metric: [namespace, name, dimensions..., options]."""
    namespace, name, *dimensions, options = metric
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    return {
        "Id": identity,
        "Label": options.get("label", name),
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
            },
            "Period": options.get("period", period),
            "Stat": options["stat"],
        },
    }
