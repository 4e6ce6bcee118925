"""The alarms of a stack, as data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.api import EpochApi, slug
from components.function import EpochFunction
from components.job import EpochJob
from components.lambda_function import Bindings
from function.declare.endpoint import Endpoint
from function.declare.permission import TablePermission

Dimensions = Mapping[str, pulumi.Input[str]]

SLO_TARGET = 0.999  # the share of requests without a 5xx, over 30 days
ERROR_BUDGET = 1 - SLO_TARGET

THROTTLED_CALLS = "ThrottledCalls"  # a filter on the access log emits this metric


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A CloudWatch metric with one statistic."""

    namespace: str
    name: str
    stat: str
    dimensions: Dimensions


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm on a metric at or above `threshold`.

    It fires after `datapoints` of the last `periods` periods of `period_s` seconds. `runbook` is
    the anchor in docs/operations.md, `name` by default. Missing data never breaches, since an idle
    service reports no metric. A failure rate is the average of a metric with 1 per failed call and
    0 per other call.
    """

    name: str
    description: str
    metric: Metric
    threshold: float
    runbook: str = ""
    period_s: int = 60
    periods: int = 5
    datapoints: int = 3

    @property
    def runbook_anchor(self) -> str:
        """The anchor of the alarm's section in docs/operations.md."""
        return self.runbook or self.name


@dataclass(frozen=True, kw_only=True)
class BurnRate:
    """An alarm on an error budget that burns `rate` times too fast over both windows (seconds).

    At rate 1 the budget lasts 30 days. The long window proves the impact, the short one that the
    errors continue. Fewer than five errors in the long window never fire, so a single failed call
    in a quiet night does not page anyone.
    """

    name: str
    description: str
    rate: float
    long_s: int
    short_s: int


BURN_RATES = (
    BurnRate(
        name="burn-rate-fast",
        description="2 % of the month's error budget burned within an hour.",
        rate=14.4,
        long_s=3_600,
        short_s=300,
    ),
    BurnRate(
        name="burn-rate-medium",
        description="5 % of the month's error budget burned within six hours.",
        rate=6,
        long_s=21_600,
        short_s=1_800,
    ),
    BurnRate(
        name="burn-rate-slow",
        description="10 % of the month's error budget burned within a day.",
        rate=3,
        long_s=86_400,
        short_s=7_200,
    ),
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
        return Metric(namespace="AWS/ApiGateway", name=name, stat=stat, dimensions=where)

    def of_route(self, endpoint: Endpoint, name: str, stat: str = "Sum") -> Metric:
        """Return a metric of one route."""
        return self.of_api(name, stat, Resource=endpoint.path, Method=endpoint.method)

    def of_function(self, name: str, stat: str = "Sum") -> Metric:
        """Return a Lambda metric of the API's function."""
        where: Dimensions = {"FunctionName": self.function.name}
        return Metric(namespace="AWS/Lambda", name=name, stat=stat, dimensions=where)

    def of_job(self, job: str, name: str, stat: str = "Sum") -> Metric:
        """Return a Lambda metric of a job's function."""
        where: Dimensions = {"FunctionName": self.jobs[job].name}
        return Metric(namespace="AWS/Lambda", name=name, stat=stat, dimensions=where)

    def of_items(self, job: str, outcome: str) -> Metric:
        """Return the number of a job's items with an outcome."""
        where: Dimensions = {"FunctionName": self.jobs[job].name, "Route": job, "Outcome": outcome}
        return Metric(namespace=self.namespace, name="Requests", stat="Sum", dimensions=where)

    def oldest_item_age(self, job: str) -> Metric | None:
        """Return the age of a job's oldest waiting item; None for a trigger without a backlog."""
        if not (age := self.jobs[job].oldest_item_age):
            return None
        return Metric(
            namespace=age.namespace, name=age.name, stat="Maximum", dimensions=age.dimensions
        )

    def dead_letters(self, job: str) -> Metric:
        """Return the number of messages in a job's dead-letter queue."""
        return _of_queue(self.jobs[job].dead_letters.name, "ApproximateNumberOfMessagesVisible")

    def of_table(self, table: str, name: str, stat: str = "Sum", **dimensions: str) -> Metric:
        """Return a DynamoDB metric of a table."""
        where: Dimensions = {"TableName": self.bindings.tables[table].name, **dimensions}
        return Metric(namespace="AWS/DynamoDB", name=name, stat=stat, dimensions=where)

    def of_telemetry(self, endpoint: Endpoint, name: str, stat: str = "Sum", **more: str) -> Metric:
        """Return a metric that the function writes into its log lines."""
        where: Dimensions = {"FunctionName": self.function.name, "Route": endpoint.route, **more}
        return Metric(namespace=self.namespace, name=name, stat=stat, dimensions=where)

    def throttled_callers(self, stat: str) -> Metric:
        """Return the calls that usage plans refuse; only the access log distinguishes them."""
        where: Dimensions = {"ApiId": self.api.api.id}
        return Metric(namespace=self.namespace, name=THROTTLED_CALLS, stat=stat, dimensions=where)

    def operations(self, table: str) -> list[str]:
        """Return the operations that endpoints and jobs may call on a table, sorted."""
        actions = {
            action.removeprefix("dynamodb:")
            for permissions in (
                *(endpoint.permissions for endpoint in self.endpoints),
                *(job.job.permissions for job in self.jobs.values()),
            )
            for access in permissions
            if isinstance(access, TablePermission) and access.table == table
            for action in access.actions
        }
        return sorted(actions)


def _of_queue(queue: pulumi.Output[str], name: str) -> Metric:
    where: Dimensions = {"QueueName": queue}
    return Metric(namespace="AWS/SQS", name=name, stat="Maximum", dimensions=where)


def _of_jobs(sources: MetricSources) -> Iterator[Alarm]:
    for key, job in sources.jobs.items():
        name = key.replace("_", "-")
        yield Alarm(
            name=f"job-dead-letters-{name}",
            runbook="job-dead-letters",
            description=f"Job {key} gave up on items: they are in its dead-letter queue.",
            metric=sources.dead_letters(key),
            threshold=1,
        )
        yield Alarm(
            name=f"job-errors-{name}",
            runbook="job-errors",
            description=f"Invocations of job {key} fail: a crash, a timeout or a failed import.",
            metric=sources.of_job(key, "Errors"),
            threshold=1,
            periods=15,
        )
        yield Alarm(
            name=f"job-throttles-{name}",
            runbook="job-throttles",
            description=f"Lambda throttles job {key}: the concurrency limit is reached.",
            metric=sources.of_job(key, "Throttles"),
            threshold=1,
        )
        yield Alarm(
            name=f"job-duration-{name}",
            runbook="job-duration",
            description=f"Job {key} runs close to its timeout of {job.job.timeout_s} s.",
            metric=sources.of_job(key, "Duration", "Maximum"),
            threshold=0.8 * 1_000 * job.job.timeout_s,
            periods=15,
            datapoints=1,
        )
        if (waiting := sources.oldest_item_age(key)) and (age := job.oldest_item_age):
            yield Alarm(
                name=f"job-backlog-{name}",
                runbook="job-backlog",
                description=f"The oldest item of job {key} has waited for 15 minutes.",
                metric=waiting,
                threshold=900 * age.per_second,
            )


def burn_rate_parts(sources: MetricSources, rate: BurnRate) -> list[Alarm]:
    """Return the alarms that a burn-rate alarm combines: it fires while all of them do."""

    def part(name: str, stat: str, threshold: float, window_s: int) -> Alarm:
        return Alarm(
            name=f"{rate.name}-{name}",
            runbook=rate.name,
            description=f"Part of {rate.name}: {rate.description}",
            metric=sources.of_api("5XXError", stat),
            threshold=threshold,
            period_s=window_s,
            periods=1,
            datapoints=1,
        )

    share = round(rate.rate * ERROR_BUDGET, 6)
    return [
        part("long", "Average", share, rate.long_s),
        part("short", "Average", share, rate.short_s),
        part("count", "Sum", 5, rate.long_s),
    ]


def alarms(sources: MetricSources) -> list[Alarm]:
    """Return the alarms that notify: first the symptoms for callers, then the causes."""
    return [
        Alarm(
            name="api-5xx-rate",
            description="At least 5 % of the calls get a 5xx.",
            metric=sources.of_api("5XXError", "Average"),
            threshold=0.05,
        ),
        Alarm(
            name="api-latency-p99",
            description="One call in a hundred takes 2 seconds or longer.",
            metric=sources.of_api("Latency", "p99"),
            threshold=2_000,
        ),
        Alarm(
            name="api-throttled-callers",
            description="Callers exceed their limits: at least 5 % of the calls get a 429.",
            metric=sources.throttled_callers("Average"),
            threshold=0.05,
            periods=15,
            datapoints=10,
        ),
        *(
            Alarm(
                name=f"endpoint-errors-{slug(endpoint.route)}",
                runbook="endpoint-errors",
                description=f"At least 5 % of the calls to {endpoint.route} get a 5xx.",
                metric=sources.of_route(endpoint, "5XXError", "Average"),
                threshold=0.05,
            )
            for endpoint in sources.endpoints
        ),
        Alarm(
            name="function-errors",
            description="Invocations fail: a crash, a timeout or a failed import.",
            metric=sources.of_function("Errors"),
            threshold=1,
        ),
        Alarm(
            name="function-throttles",
            description="Lambda throttles the function: its or the account's concurrency limit is "
            "reached.",
            metric=sources.of_function("Throttles"),
            threshold=1,
        ),
        Alarm(
            name="function-duration",
            description=f"Invocations run close to the timeout of {sources.function.timeout_s} s.",
            metric=sources.of_function("Duration", "Maximum"),
            threshold=0.8 * 1_000 * sources.function.timeout_s,
        ),
        Alarm(
            name="function-concurrency",
            description=f"Concurrent executions are close to the limit of {sources.concurrency}.",
            metric=sources.of_function("ConcurrentExecutions", "Maximum"),
            threshold=0.8 * sources.concurrency,
        ),
        *(
            Alarm(
                name=f"table-throttles-{table}-{kind.lower()}s",
                runbook="table-throttles",
                description=f"DynamoDB throttles {kind.lower()}s of the table.",
                metric=sources.of_table(table, f"{kind}ThrottleEvents"),
                threshold=1,
            )
            for table in sources.bindings.tables
            for kind in ("Read", "Write")
        ),
        *(
            Alarm(
                name=f"table-system-errors-{table}-{operation.lower()}",
                runbook="table-system-errors",
                description=f"DynamoDB answers {operation} with internal errors (5xx).",
                metric=sources.of_table(table, "SystemErrors", Operation=operation),
                threshold=1,
            )
            for table in sources.bindings.tables
            for operation in sources.operations(table)
        ),
        *_of_jobs(sources),
    ]
