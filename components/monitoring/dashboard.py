"""The dashboard: the SLO on top, then API, function and tables, then a row per endpoint and job."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pulumi

from components.metrics import Metric
from components.monitoring.alarms import ERROR_BUDGET, SLO_TARGET, MetricSources
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


def _graph(title: str, **metrics: Metric) -> Widget:
    """Return a graph with one labelled line per metric."""
    lines = [_metric(metric, label=label.replace("_", " ")) for label, metric in metrics.items()]
    return {"type": "metric", "properties": {"title": title, "metrics": lines, "period": 60}}


def _objective(sources: MetricSources) -> Widget:
    """Return the availability of the last 30 days, and the rest of the error budget."""
    inputs = {"errors": sources.of_api("5XXError"), "requests": sources.of_api("Count")}
    hidden = [
        _metric(metric, id=name, visible=False, period=_MONTH_S) for name, metric in inputs.items()
    ]
    left = f"100 * (1 - errors / requests / {ERROR_BUDGET:.4f})"
    expressions = {"Availability in %": "100 * (1 - errors / requests)", "Budget left in %": left}
    shown = [
        [{"expression": expression, "label": label, "period": _MONTH_S}]
        for label, expression in expressions.items()
    ]
    return {
        "type": "metric",
        "properties": {
            "title": f"SLO: {SLO_TARGET:.1%} of calls without a 5xx in 30 days",
            "metrics": [*hidden, *shown],
            "view": "singleValue",
            "period": _MONTH_S,
            "setPeriodToTimeRange": True,
            "start": "-P30D",
            "end": "P0D",
        },
    }


def _first_row(
    sources: MetricSources, alarms: Sequence[pulumi.Input[str]], runbook_url: str
) -> list[Widget]:
    status: list[Widget] = [
        {"type": "alarm", "properties": {"title": "Alarms", "alarms": alarms[at : at + _ALARMS]}}
        for at in range(0, len(alarms), _ALARMS)
    ]
    help_text = {"type": "text", "properties": {"markdown": f"Runbook: {runbook_url}"}}
    return [_objective(sources), *status, help_text]


def _api(sources: MetricSources) -> list[Widget]:
    of = sources.of_api
    return [
        _graph(
            "API: calls",
            all=of("Count"),
            client_errors=of("4XXError"),
            server_errors=of("5XXError"),
            throttled=sources.throttled_callers("Sum"),
        ),
        _graph(
            "API: latency in ms",
            p50=of("Latency", "p50"),
            p99=of("Latency", "p99"),
            integration_p99=of("IntegrationLatency", "p99"),
        ),
    ]


def _invocations(title: str, of: Callable[[str], Metric]) -> Widget:
    return _graph(
        f"{title}: invocations",
        all=of("Invocations"),
        errors=of("Errors"),
        throttles=of("Throttles"),
    )


def _function(sources: MetricSources) -> list[Widget]:
    of = sources.of_function
    return [
        _invocations("Function", of),
        _graph(
            "Function: duration in ms",
            p50=of("Duration", "p50"),
            p99=of("Duration", "p99"),
            maximum=of("Duration", "Maximum"),
        ),
        _graph("Function: concurrent executions", maximum=of("ConcurrentExecutions", "Maximum")),
    ]


def _table(sources: MetricSources, table: str) -> list[Widget]:
    def latency(operation: str) -> Metric:
        name = "SuccessfulRequestLatency"
        return sources.of_table(table, name, "Average", Operation=operation)

    return [
        _graph(
            f"Table {table}: capacity units and throttles",
            read=sources.of_table(table, "ConsumedReadCapacityUnits"),
            written=sources.of_table(table, "ConsumedWriteCapacityUnits"),
            throttled_reads=sources.of_table(table, "ReadThrottleEvents"),
            throttled_writes=sources.of_table(table, "WriteThrottleEvents"),
        ),
        _graph(
            f"Table {table}: latency in ms, average",
            **{operation: latency(operation) for operation in sources.operations(table)},
        ),
    ]


def _endpoint(sources: MetricSources, endpoint: Endpoint[Any]) -> list[Widget]:
    route, api, own = endpoint.route, sources.of_route, sources.of_telemetry
    return [
        _graph(
            f"{route}: calls",
            all=api(endpoint, "Count"),
            client_errors=api(endpoint, "4XXError"),
            server_errors=api(endpoint, "5XXError"),
        ),
        _graph(
            f"{route}: responses by outcome",
            **{outcome: own(endpoint, "Requests", Outcome=outcome) for outcome in _OUTCOMES},
        ),
        _graph(
            f"{route}: latency in ms, p99",
            whole=api(endpoint, "Latency", "p99"),
            storage=own(endpoint, "AwsCallLatency", "p99"),
        ),
        _graph(
            f"{route}: replays and cold starts",
            replays=own(endpoint, "IdempotentReplays"),
            cold_starts=own(endpoint, "ColdStarts"),
        ),
    ]


def _job(sources: MetricSources, key: str) -> list[Widget]:
    backlog = sources.jobs[key].backlog
    unit = "s" if backlog and backlog.per_second == 1 else "ms"
    return [
        _invocations(f"Job {key}", partial(sources.of_job, key)),
        _graph(
            f"Job {key}: items by outcome",
            **{outcome: sources.of_items(key, outcome) for outcome in _OUTCOMES},
        ),
        _graph(
            f"Job {key}: duration in ms",
            p50=sources.of_job(key, "Duration", "p50"),
            maximum=sources.of_job(key, "Duration", "Maximum"),
        ),
        _graph(
            f"Job {key}: dead letters" + (f", oldest item in {unit}" if backlog else ""),
            dead_letters=sources.dead_letters(key),
            **({"oldest": backlog.metric} if backlog else {}),
        ),
    ]


def body(
    sources: MetricSources, alarms: Sequence[pulumi.Input[str]], runbook_url: str
) -> pulumi.Output[str]:
    """Return the dashboard's body, as JSON: rows of widgets of equal width."""
    rows = [
        _first_row(sources, alarms, runbook_url),
        _api(sources),
        _function(sources),
        # CloudWatch refuses a graph without metrics.
        *(_table(sources, table) for table in sources.bindings.tables if sources.operations(table)),
        *(_endpoint(sources, endpoint) for endpoint in sources.endpoints),
        *(_job(sources, key) for key in sources.jobs),
    ]
    widgets = []
    for y, row in enumerate(rows):
        width = _COLUMNS // len(row)
        for x, widget in enumerate(row):
            if widget["type"] == "metric":
                widget["properties"]["region"] = sources.api.api.region
            place = {"x": x * width, "y": y * _HEIGHT, "width": width, "height": _HEIGHT}
            widgets.append({**widget, **place})
    return _dumps({"widgets": widgets})


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
