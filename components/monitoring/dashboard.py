"""The dashboard: the SLO on top, then API, function and tables, then a row per endpoint and job."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import limits
from components.metrics import Metric, Source
from components.monitoring.alarms import ERROR_BUDGET, SLO_TARGET, MetricSources, dead_letters

_COLUMNS = 24  # CloudWatch's grid
_HEIGHT = 6
_ALARMS = 100  # CloudWatch's limit per widget
_OUTCOMES = ("success", "rejected", "unavailable", "failed")
_MONTH_S = 30 * 86_400

# Metrics by label, each as its name and statistic.
_CALLS = {"all": "Count", "client_errors": "4XXError", "server_errors": "5XXError"}
_LATENCY = {"p50": "Latency p50", "p99": "Latency p99"}
_INVOCATIONS = {"all": "Invocations", "errors": "Errors", "throttles": "Throttles"}
_DURATION = {"p50": "Duration p50", "maximum": "Duration Maximum"}
_CAPACITY = {
    "read": "ConsumedReadCapacityUnits",
    "written": "ConsumedWriteCapacityUnits",
    "throttled_reads": "ReadThrottleEvents",
    "throttled_writes": "WriteThrottleEvents",
}
_TABLE_LATENCY = ("SuccessfulRequestLatency", "Average")

Widget = dict[str, Any]
Lines = dict[str, Metric]


def _metric(metric: Metric, **options: Any) -> list[Any]:
    """Return a metric in a dashboard's form: namespace, name, dimensions, options."""
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.stat, **options}]


def _of(source: Source, **metrics: str) -> Lines:
    """Return metrics of a source by label, each given as its name and statistic."""
    return {label: source.of(*metric.split()) for label, metric in metrics.items()}


def _graph(title: str, lines: Lines) -> Widget:
    """Return a graph with one labelled line per metric."""
    metrics = [_metric(metric, label=label.replace("_", " ")) for label, metric in lines.items()]
    return {"type": "metric", "properties": {"title": title, "metrics": metrics, "period": 60}}


def _objective(api: Source) -> Widget:
    """Return the availability of the last 30 days, and the rest of the error budget."""
    availability = "100 * (1 - errors / requests)"
    left = f"100 * (1 - errors / requests / {ERROR_BUDGET:.4f})"
    month: dict[str, Any] = {"period": _MONTH_S}
    return {
        "type": "metric",
        "properties": {
            "title": f"SLO: {SLO_TARGET:.1%} of calls without a 5xx in 30 days",
            "metrics": [
                _metric(api.of("5XXError"), id="errors", visible=False, **month),
                _metric(api.of("Count"), id="requests", visible=False, **month),
                [{"expression": availability, "label": "Availability in %", **month}],
                [{"expression": left, "label": "Budget left in %", **month}],
            ],
            "view": "singleValue",
            "period": _MONTH_S,
            "setPeriodToTimeRange": True,
            "start": "-P30D",
            "end": "P0D",
        },
    }


def _outcomes(own: Source) -> Lines:
    return {outcome: own.where(Outcome=outcome).of("Requests") for outcome in _OUTCOMES}


def _rows(sources: MetricSources) -> dict[str, dict[str, Lines]]:
    """Return the graphs of each row by its title: the lines of each graph by its heading."""
    rows = {}
    api, function = sources.api.metrics, sources.api.function.metrics
    rows["API"] = {
        "calls": _of(api, **_CALLS) | {"throttled": sources.throttled_callers("Sum")},
        "latency in ms": _of(api, **_LATENCY, integration_p99="IntegrationLatency p99"),
    }
    rows["Function"] = {
        "invocations": _of(function, **_INVOCATIONS),
        "duration in ms": _of(
            function, p50="Duration p50", p99="Duration p99", maximum="Duration Maximum"
        ),
        "concurrent executions": _of(function, maximum="ConcurrentExecutions Maximum"),
    }
    if authorizer := sources.api.authorizer:
        rows["Authorizer"] = {
            "invocations": _of(authorizer.metrics, **_INVOCATIONS),
            "callers by outcome": _outcomes(sources.own(authorizer, "authorizer")),
            "duration in ms": _of(authorizer.metrics, **_DURATION),
        }
    for key, table in sources.tables.items():
        latency = {
            operation: table.metrics.where(Operation=operation).of(*_TABLE_LATENCY)
            for operation in sources.operations(key)
        }
        if latency:  # CloudWatch refuses a graph without metrics
            capacity = _of(table.metrics, **_CAPACITY)
            graphs = {"capacity units and throttles": capacity, "latency in ms, average": latency}
            rows[f"Table {key}"] = graphs
    for endpoint in sources.api.endpoints:
        route, own = sources.route(endpoint), sources.own(sources.api.function, endpoint.route)
        latency = _of(route, whole="Latency p99") | _of(own, storage="AwsCallLatency p99")
        rows[endpoint.route] = {
            "calls": _of(route, **_CALLS),
            "responses by outcome": _outcomes(own),
            "latency in ms, p99": latency,
            "replays and cold starts": _of(
                own, replays="IdempotentReplays", cold_starts="ColdStarts"
            ),
        }
    for key, job in sources.jobs.items():
        waiting, heading = {"dead_letters": dead_letters(job)}, "dead letters"
        for alarm in job.alarms:
            if alarm.section == "job-backlog" and isinstance(alarm.metric, Metric):
                waiting["oldest"] = alarm.metric
                heading += f", oldest item in {'ms' if alarm.metric.name == 'IteratorAge' else 's'}"
        rows[f"Job {key}"] = {
            "invocations": _of(job.metrics, **_INVOCATIONS),
            "items by outcome": _outcomes(sources.own(job, key)),
            "duration in ms": _of(job.metrics, **_DURATION),
            heading: waiting,
        }
    return rows


def body(
    sources: MetricSources, alarms: Sequence[pulumi.Input[str]], runbook_url: str
) -> pulumi.Output[str]:
    """Return the dashboard's body, as JSON: rows of widgets of equal width."""
    status = [
        {"type": "alarm", "properties": {"title": "Alarms", "alarms": alarms[at : at + _ALARMS]}}
        for at in range(0, len(alarms), _ALARMS)
    ]
    help_text = {"type": "text", "properties": {"markdown": f"Runbook: {runbook_url}"}}
    rows: list[list[Widget]] = [[_objective(sources.api.metrics), *status, help_text]]
    for title, graphs in _rows(sources).items():
        rows.append([_graph(f"{title}: {heading}", lines) for heading, lines in graphs.items()])
    _check_limits(rows)
    widgets = []
    for y, row in enumerate(rows):
        width = _COLUMNS // len(row)
        for x, widget in enumerate(row):
            if widget["type"] == "metric":
                widget["properties"]["region"] = sources.api.api.region
            place = {"x": x * width, "y": y * _HEIGHT, "width": width, "height": _HEIGHT}
            widgets.append({**widget, **place})
    return _dumps({"widgets": widgets})


def _check_limits(rows: Sequence[list[Widget]]) -> None:
    """Raise ConfigError for more widgets or metrics than CloudWatch accepts in a dashboard."""
    widgets, metrics = {}, {}
    for row in rows:
        title = row[0]["properties"]["title"]
        widgets[title] = len(row)
        metrics[title] = sum(len(widget["properties"].get("metrics", ())) for widget in row)
    way_out = "Split the service into two projects"
    limits.check("the dashboard", widgets, limits.DASHBOARD_WIDGETS, "widgets", way_out)
    limits.check("the dashboard", metrics, limits.DASHBOARD_METRICS, "metrics", way_out)


def _dumps(value: Mapping[str, Any]) -> pulumi.Output[str]:
    """Return a value as JSON once its Outputs are known.

    Output.json_dumps would create an Output for each list and dictionary: tens of thousands with a
    hundred endpoints, which share about ten real ones.
    """
    found: dict[int, pulumi.Output[Any]] = {}
    json.dumps(value, default=lambda output: found.update({id(output): output}))

    def dumped(known: list[Any]) -> str:
        by_id = dict(zip(found, known, strict=True))
        return json.dumps(value, default=lambda output: by_id[id(output)])

    return pulumi.Output.all(*found.values()).apply(dumped)
