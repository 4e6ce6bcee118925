"""The alarms of a stack, as data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from components.api import EpochApi, slug
from components.authorizer import EpochAuthorizer
from components.function import EpochFunction
from components.job import EpochJob
from components.lambda_function import Bindings
from components.metrics import Alarm, Dimensions, Formula, Metric
from function.declare.authorizer import AUTHORIZER_TIMEOUT_S
from function.declare.endpoint import Endpoint
from function.declare.permission import TablePermission

SLO_TARGET = 0.999  # the share of requests without a 5xx, over 30 days
ERROR_BUDGET = 1 - SLO_TARGET

# IAM's names of actions that DynamoDB's metrics count under the operations that make them.
_PARTIQL = ("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction")
_OPERATIONS = {
    "ConditionCheckItem": ("TransactWriteItems",),
    **{f"PartiQL{verb}": _PARTIQL for verb in ("Delete", "Insert", "Select", "Update")},
}

THROTTLED_CALLS = "ThrottledCalls"  # a filter on the access log emits this metric


class BurnRate(NamedTuple):
    """An alarm on an error budget that burns `rate` times too fast over two windows.

    At rate 1 the budget lasts 30 days. The long window proves the impact, the short one that the
    errors continue. Fewer than five errors in the long window never fire, so a single failed call
    in a quiet night does not page anyone.
    """

    name: str
    description: str
    rate: float
    long_s: int

    @property
    def short_s(self) -> int:
        """The short window in seconds."""
        return self.long_s // 12


BURN_RATES = (
    BurnRate(
        "burn-rate-fast", "2 % of the month's error budget burned within an hour.", 14.4, 3_600
    ),
    BurnRate(
        "burn-rate-medium", "5 % of the month's error budget burned within six hours.", 6, 21_600
    ),
    BurnRate("burn-rate-slow", "10 % of the month's error budget burned within a day.", 3, 86_400),
)


@dataclass(frozen=True, kw_only=True)
class MetricSources:
    """The components that emit a stack's metrics.

    `concurrency` is the function's limit, `namespace` that of the function's own metrics.
    """

    api: EpochApi
    function: EpochFunction
    bindings: Bindings
    jobs: Mapping[str, EpochJob]
    concurrency: int
    namespace: str
    authorizer: EpochAuthorizer | None = None

    @property
    def endpoints(self) -> Sequence[Endpoint[Any]]:
        """The endpoints of the API."""
        return self.api.endpoints

    def of_api(self, name: str, stat: str = "Sum", **dimensions: str) -> Metric:
        """Return a metric of the API's stage or of one of its routes."""
        where: Dimensions = {
            "ApiName": self.api.api.name,
            "Stage": self.api.stage.stage_name,
            **dimensions,
        }
        return Metric("AWS/ApiGateway", name, stat, where)

    def of_route(self, endpoint: Endpoint, name: str, stat: str = "Sum") -> Metric:
        """Return a metric of one route."""
        return self.of_api(name, stat, Resource=endpoint.path, Method=endpoint.method)

    def of_function(self, name: str, stat: str = "Sum") -> Metric:
        """Return a Lambda metric of the API's function."""
        return Metric("AWS/Lambda", name, stat, {"FunctionName": self.function.name})

    def of_authorizer(self, name: str, stat: str = "Sum") -> Metric:
        """Return a Lambda metric of the authorizers' function."""
        assert self.authorizer
        return Metric("AWS/Lambda", name, stat, {"FunctionName": self.authorizer.name})

    def of_job(self, job: str, name: str, stat: str = "Sum") -> Metric:
        """Return a Lambda metric of a job's function."""
        return Metric("AWS/Lambda", name, stat, {"FunctionName": self.jobs[job].name})

    def of_items(self, job: str, outcome: str) -> Metric:
        """Return the number of a job's items with an outcome."""
        where: Dimensions = {
            "FunctionName": self.jobs[job].name,
            "Route": job,
            "Outcome": outcome,
        }
        return Metric(self.namespace, "Requests", "Sum", where)

    def dead_letters(self, job: str) -> Metric:
        """Return the number of messages in a job's dead-letter queue."""
        where = {"QueueName": self.jobs[job].dead_letters.name}
        return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", where)

    def of_table(self, table: str, name: str, stat: str = "Sum", **dimensions: str) -> Metric:
        """Return a DynamoDB metric of a table."""
        where: Dimensions = {"TableName": self.bindings.tables[table].name, **dimensions}
        return Metric("AWS/DynamoDB", name, stat, where)

    def of_telemetry(self, endpoint: Endpoint, name: str, stat: str = "Sum", **more: str) -> Metric:
        """Return a metric that the function writes into its log lines."""
        where: Dimensions = {"FunctionName": self.function.name, "Route": endpoint.route, **more}
        return Metric(self.namespace, name, stat, where)

    def throttled_callers(self, stat: str) -> Metric:
        """Return the calls that usage plans refuse; only the access log distinguishes them."""
        return Metric(self.namespace, THROTTLED_CALLS, stat, {"ApiId": self.api.api.id})

    def operations(self, table: str) -> list[str]:
        """Return the operations that endpoints and jobs may call on a table, sorted."""
        permissions = [part.permissions for part in self.endpoints]
        permissions += [job.job.permissions for job in self.jobs.values()]
        actions = {
            action.removeprefix("dynamodb:")
            for declared in permissions
            for access in declared
            if isinstance(access, TablePermission) and access.table == table
            for action in access.actions
        }
        return sorted({name for action in actions for name in _OPERATIONS.get(action, (action,))})


def burn_rate_parts(sources: MetricSources, rate: BurnRate) -> list[Alarm]:
    """Return the alarms that a burn-rate alarm combines: it fires while all of them do."""
    share = round(rate.rate * ERROR_BUDGET, 6)
    parts = (
        ("long", "Average", share, rate.long_s),
        ("short", "Average", share, rate.short_s),
        ("count", "Sum", 5, rate.long_s),
    )
    return [
        Alarm(
            f"{rate.name}-{name}",
            f"Part of {rate.name}: {rate.description}",
            sources.of_api("5XXError", stat),
            threshold,
            runbook=rate.name,
            period_s=window_s,
            periods=1,
            datapoints=1,
        )
        for name, stat, threshold, window_s in parts
    ]


def alarms(sources: MetricSources) -> Iterator[Alarm]:
    """Yield the alarms that notify: first the symptoms for callers, then the causes."""
    yield Alarm(
        "api-5xx-rate",
        "At least 5 % of the calls get a 5xx.",
        sources.of_api("5XXError", "Average"),
        0.05,
    )
    yield Alarm(
        "api-latency-p99",
        "One call in a hundred takes 2 seconds or longer, of at least 100 calls in 5 minutes.",
        Formula(
            "IF(calls < 100, 0, latency)",
            {"calls": sources.of_api("Count"), "latency": sources.of_api("Latency", "p99")},
        ),
        2_000,
        period_s=300,
        periods=3,
        datapoints=2,
    )
    yield Alarm(
        "api-throttled-callers",
        "Callers exceed their limits: at least 5 % of the calls get a 429.",
        sources.throttled_callers("Average"),
        0.05,
        periods=15,
        datapoints=10,
    )
    for endpoint in sources.endpoints:
        yield Alarm(
            f"endpoint-errors-{slug(endpoint.route)}",
            f"At least 5 % of the calls to {endpoint.route} get a 5xx.",
            sources.of_route(endpoint, "5XXError", "Average"),
            0.05,
            runbook="endpoint-errors",
        )
    yield from _of_function(sources)
    if sources.authorizer:
        yield from _of_authorizer(sources, sources.authorizer)
    for table in sources.bindings.tables:
        yield from _of_table(sources, table)
    for key, job in sources.jobs.items():
        yield from _of_job(sources, key, job)


def _of_function(sources: MetricSources) -> Iterator[Alarm]:
    yield Alarm(
        "function-errors",
        "Invocations fail: a crash, a timeout or a failed import.",
        sources.of_function("Errors"),
        1,
    )
    yield Alarm(
        "function-throttles",
        "Lambda throttles the function: its or the account's concurrency limit is reached.",
        sources.of_function("Throttles"),
        1,
    )
    yield Alarm(
        "function-duration",
        f"Invocations run close to the timeout of {sources.function.timeout_s} s.",
        sources.of_function("Duration", "Maximum"),
        0.8 * 1_000 * sources.function.timeout_s,
    )
    yield Alarm(
        "function-concurrency",
        f"Concurrent executions are close to the limit of {sources.concurrency}.",
        sources.of_function("ConcurrentExecutions", "Maximum"),
        0.8 * sources.concurrency,
    )


def _of_authorizer(sources: MetricSources, authorizer: EpochAuthorizer) -> Iterator[Alarm]:
    # Wrong credentials are errors of Lambda, too: only the log lines tell a failure apart.
    where = {"FunctionName": authorizer.name, "Route": "authorizer", "Outcome": "failed"}
    yield Alarm(
        "authorizer-failures",
        "The authorizer cannot verify callers: its code fails, or an issuer does not answer.",
        Metric(sources.namespace, "Requests", "Sum", where),
        1,
    )
    yield Alarm(
        "authorizer-throttles",
        "Lambda throttles the authorizer: the account's concurrency limit is reached.",
        sources.of_authorizer("Throttles"),
        1,
    )
    yield Alarm(
        "authorizer-duration",
        f"The authorizer runs close to its timeout of {AUTHORIZER_TIMEOUT_S} s.",
        sources.of_authorizer("Duration", "Maximum"),
        0.8 * 1_000 * AUTHORIZER_TIMEOUT_S,
    )


def _of_table(sources: MetricSources, table: str) -> Iterator[Alarm]:
    # DynamoDB counts a throttled index under its own dimension.
    parts: dict[str, dict[str, str]] = {"": {}}
    for index in sources.bindings.tables[table].declared.indexes:
        parts[f"-{index.name}"] = {"GlobalSecondaryIndexName": index.name}
    for suffix, dimensions in parts.items():
        what = f"index {suffix[1:]}" if suffix else "the table"
        for kind in ("Read", "Write"):
            yield Alarm(
                f"table-throttles-{table}{suffix}-{kind.lower()}s",
                f"DynamoDB throttles {kind.lower()}s of {what}.",
                sources.of_table(table, f"{kind}ThrottleEvents", **dimensions),
                1,
                runbook="table-throttles",
            )
    for operation in sources.operations(table):
        yield Alarm(
            f"table-system-errors-{table}-{operation.lower()}",
            f"DynamoDB answers {operation} with internal errors (5xx).",
            sources.of_table(table, "SystemErrors", Operation=operation),
            1,
            runbook="table-system-errors",
        )


def _of_job(sources: MetricSources, key: str, job: EpochJob) -> Iterator[Alarm]:
    def alarm(
        cause: str, text: str, metric: Metric | Formula, threshold: float = 1, **more: Any
    ) -> Alarm:
        name, runbook = f"job-{cause}-{key.replace('_', '-')}", f"job-{cause}"
        return Alarm(name, text, metric, threshold, runbook, **more)

    yield alarm(
        "dead-letters",
        f"Job {key} gave up on items: they are in its dead-letter queue.",
        sources.dead_letters(key),
    )
    yield alarm(
        "errors",
        f"Invocations of job {key} fail: a crash, a timeout or a failed import.",
        sources.of_job(key, "Errors"),
        periods=15,
    )
    yield alarm(
        "throttles",
        f"Lambda throttles job {key}: the concurrency limit is reached.",
        sources.of_job(key, "Throttles"),
    )
    yield alarm(
        "duration",
        f"Job {key} runs close to its timeout of {job.job.timeout_s} s.",
        sources.of_job(key, "Duration", "Maximum"),
        0.8 * 1_000 * job.job.timeout_s,
        periods=15,
        datapoints=1,
    )
    if backlog := job.backlog:
        yield alarm(
            "backlog",
            f"The oldest item of job {key} has waited for {backlog.alarm_after_s // 60} minutes.",
            backlog.metric,
            backlog.alarm_after_s * backlog.per_second,
        )
    if stopped := job.stopped:
        name = f"job-stopped-{key.replace('_', '-')}"
        text = f"Job {key} no longer runs. {stopped.description}"
        yield replace(stopped, name=name, description=text, runbook="job-stopped")
