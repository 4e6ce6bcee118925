"""The dashboard: the SLO on top, then API, function and tables, then a row per endpoint and job."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import limits
from components.authorizer import EpochAuthorizer
from components.metrics import Metric, Source
from components.monitoring.alarms import ERROR_BUDGET, SLO_TARGET, MetricSources, dead_letters
from function.declare.endpoint import Endpoint

_COLUMNS = 24  # CloudWatch's grid
_HEIGHT = 6
_ALARMS = 100  # CloudWatch's limit per widget
_OUTCOMES = ("success", "rejected", "unavailable", "failed")
_MONTH_S = 30 * 86_400

Widget = dict[str, Any]


def _metric(metric: Metric, **options: Any) -> list[Any]:
    """Return a metric in a dashboard's form: namespace, name, dimensions, options."""
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.stat, **options}]


def _of(source: Source, **metrics: str) -> dict[str, Metric]:
    """Return metrics of a source by label, each given as its name and statistic."""
    return {label: source.of(*metric.split()) for label, metric in metrics.items()}


def _graph(title: str, metrics: Mapping[str, Metric]) -> Widget:
    """Return a graph with one labelled line per metric."""
    lines = [_metric(metric, label=label.replace("_", " ")) for label, metric in metrics.items()]
    return {"type": "metric", "properties": {"title": title, "metrics": lines, "period": 60}}


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


def _api(sources: MetricSources) -> list[Widget]:
    api, throttled = sources.api.metrics, {"throttled": sources.throttled_callers("Sum")}
    calls = _of(api, all="Count", client_errors="4XXError", server_errors="5XXError")
    latency = _of(
        api, p50="Latency p50", p99="Latency p99", integration_p99="IntegrationLatency p99"
    )
    return [_graph("API: calls", calls | throttled), _graph("API: latency in ms", latency)]


def _invocations(title: str, function: Source) -> Widget:
    metrics = _of(function, all="Invocations", errors="Errors", throttles="Throttles")
    return _graph(f"{title}: invocations", metrics)


def _function(function: Source) -> list[Widget]:
    duration = _of(function, p50="Duration p50", p99="Duration p99", maximum="Duration Maximum")
    concurrent = _of(function, maximum="ConcurrentExecutions Maximum")
    return [
        _invocations("Function", function),
        _graph("Function: duration in ms", duration),
        _graph("Function: concurrent executions", concurrent),
    ]


def _authorizer(sources: MetricSources, authorizer: EpochAuthorizer) -> list[Widget]:
    outcomes = _outcomes(sources.own(authorizer, "authorizer"))
    duration = _of(authorizer.metrics, p50="Duration p50", maximum="Duration Maximum")
    return [
        _invocations("Authorizer", authorizer.metrics),
        _graph("Authorizer: callers by outcome", outcomes),
        _graph("Authorizer: duration in ms", duration),
    ]


def _table(sources: MetricSources, key: str) -> list[Widget]:
    table = sources.bindings.tables[key].metrics
    capacity = _of(
        table,
        read="ConsumedReadCapacityUnits",
        written="ConsumedWriteCapacityUnits",
        throttled_reads="ReadThrottleEvents",
        throttled_writes="WriteThrottleEvents",
    )
    latency = {
        operation: table.where(Operation=operation).of("SuccessfulRequestLatency", "Average")
        for operation in sources.operations(key)
    }
    return [
        _graph(f"Table {key}: capacity units and throttles", capacity),
        _graph(f"Table {key}: latency in ms, average", latency),
    ]


def _outcomes(own: Source) -> dict[str, Metric]:
    return {outcome: own.where(Outcome=outcome).of("Requests") for outcome in _OUTCOMES}


def _endpoint(sources: MetricSources, endpoint: Endpoint[Any]) -> list[Widget]:
    title, route = endpoint.route, sources.route(endpoint)
    own = sources.own(sources.function, endpoint.route)
    calls = _of(route, all="Count", client_errors="4XXError", server_errors="5XXError")
    latency = _of(route, whole="Latency p99") | _of(own, storage="AwsCallLatency p99")
    rare = _of(own, replays="IdempotentReplays", cold_starts="ColdStarts")
    return [
        _graph(f"{title}: calls", calls),
        _graph(f"{title}: responses by outcome", _outcomes(own)),
        _graph(f"{title}: latency in ms, p99", latency),
        _graph(f"{title}: replays and cold starts", rare),
    ]


def _job(sources: MetricSources, key: str) -> list[Widget]:
    title, job = f"Job {key}", sources.jobs[key]
    waiting, heading = {"dead_letters": dead_letters(job)}, f"{title}: dead letters"
    if job.backlog:
        waiting["oldest"] = job.backlog.metric
        heading += f", oldest item in {'s' if job.backlog.per_second == 1 else 'ms'}"
    duration = _of(job.metrics, p50="Duration p50", maximum="Duration Maximum")
    return [
        _invocations(title, job.metrics),
        _graph(f"{title}: items by outcome", _outcomes(sources.own(job, key))),
        _graph(f"{title}: duration in ms", duration),
        _graph(heading, waiting),
    ]


def body(
    sources: MetricSources, alarms: Sequence[pulumi.Input[str]], runbook_url: str
) -> pulumi.Output[str]:
    """Return the dashboard's body, as JSON: rows of widgets of equal width."""
    status = [
        {"type": "alarm", "properties": {"title": "Alarms", "alarms": alarms[at : at + _ALARMS]}}
        for at in range(0, len(alarms), _ALARMS)
    ]
    help_text = {"type": "text", "properties": {"markdown": f"Runbook: {runbook_url}"}}
    rows: list[list[Widget]] = [
        [_objective(sources.api.metrics), *status, help_text],
        _api(sources),
        _function(sources.function.metrics),
        *([_authorizer(sources, sources.authorizer)] if sources.authorizer else []),
        # CloudWatch refuses a graph without metrics.
        *(_table(sources, table) for table in sources.bindings.tables if sources.operations(table)),
        *(_endpoint(sources, endpoint) for endpoint in sources.api.endpoints),
        *(_job(sources, key) for key in sources.jobs),
    ]
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
    """Raise LimitError for more widgets or metrics than CloudWatch accepts in a dashboard."""
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
