"""The alarms of a stack, as data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from components.api import EpochApi, slug
from components.authorizer import EpochAuthorizer
from components.function import EpochFunction
from components.job import EpochJob
from components.lambda_function import LambdaFunction
from components.metrics import Alarm, Formula, Metric, Source
from components.table import EpochTable
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

    At rate 1 the budget lasts 30 days. The long window proves the impact, a twelfth of it that the
    errors continue. Fewer than five errors in the long window never fire, so a single failed call
    in a quiet night does not page anyone.
    """

    name: str
    description: str
    rate: float
    long_s: int


_BURNED = "of the month's error budget burned within"
BURN_RATES = (
    BurnRate("burn-rate-fast", f"2 % {_BURNED} an hour.", 14.4, 3_600),
    BurnRate("burn-rate-medium", f"5 % {_BURNED} six hours.", 6, 21_600),
    BurnRate("burn-rate-slow", f"10 % {_BURNED} a day.", 3, 86_400),
)


@dataclass(frozen=True, kw_only=True)
class MetricSources:
    """The components that emit a stack's metrics; `concurrency` is the API's function's limit."""

    api: EpochApi
    jobs: Mapping[str, EpochJob]
    concurrency: int

    @property
    def tables(self) -> Mapping[str, EpochTable]:
        """The tables by name."""
        return self.api.function.bindings.tables

    def route(self, endpoint: Endpoint[Any]) -> Source:
        """Return the source of API Gateway's metrics of a route."""
        return self.api.metrics.where(Resource=endpoint.path, Method=endpoint.method)

    def own(self, function: LambdaFunction, route: str) -> Source:
        """Return the source of the metrics that a function writes into its log lines."""
        return Source(function.metric_namespace, {"FunctionName": function.name, "Route": route})

    def throttled_callers(self, stat: str) -> Metric:
        """Return the calls that usage plans refuse; only the access log distinguishes them."""
        own = Source(self.api.function.metric_namespace, {"ApiId": self.api.api.id})
        return own.of(THROTTLED_CALLS, stat)

    def operations(self, table: str) -> list[str]:
        """Return the operations that functions may call on a table, sorted."""
        declared = [endpoint.permissions for endpoint in self.api.endpoints]
        declared += [job.job.permissions for job in self.jobs.values()]
        if self.api.authorizer:
            declared.append(tuple(self.api.authorizer.permissions))
        actions = {
            action.removeprefix("dynamodb:")
            for permissions in declared
            for access in permissions
            if isinstance(access, TablePermission) and access.table == table
            for action in access.actions
        }
        return sorted({name for action in actions for name in _OPERATIONS.get(action, (action,))})


def dead_letters(job: EpochJob) -> Metric:
    """Return the number of messages in a job's dead-letter queue."""
    source = Source("AWS/SQS", {"QueueName": job.dead_letters.name})
    return source.of("ApproximateNumberOfMessagesVisible", "Maximum")


def burn_rate_parts(sources: MetricSources, rate: BurnRate) -> list[Alarm]:
    """Return the alarms that a burn-rate alarm combines: it fires while all of them do."""
    share = round(rate.rate * ERROR_BUDGET, 6)
    text = f"Part of {rate.name}: {rate.description}"
    errors = sources.api.metrics
    return [
        Alarm(rate.name, text, errors.of("5XXError", stat), threshold, part, window_s, 1, 1)
        for part, stat, threshold, window_s in (
            ("long", "Average", share, rate.long_s),
            ("short", "Average", share, rate.long_s // 12),
            ("count", "Sum", 5, rate.long_s),
        )
    ]


def alarms(sources: MetricSources) -> Iterator[Alarm]:
    """Yield the alarms that notify: first the symptoms for callers, then the causes."""
    yield from _of_api(sources)
    yield from _of_function(sources.api.function, sources.concurrency)
    if sources.api.authorizer:
        yield from _of_authorizer(sources, sources.api.authorizer)
    for table in sources.tables:
        yield from _of_table(sources, table)
    for key, job in sources.jobs.items():
        for alarm in _of_job(sources, key, job):
            yield replace(alarm, of=key.replace("_", "-"))


def _of_api(sources: MetricSources) -> Iterator[Alarm]:
    api = sources.api.metrics
    server_errors, throttled = api.of("5XXError", "Average"), sources.throttled_callers("Average")
    yield Alarm("api-5xx-rate", "At least 5 % of the calls get a 5xx.", server_errors, 0.05)
    text = "One call in a hundred takes 2 seconds or longer, of at least 100 calls in 5 minutes."
    busy = Formula(
        "IF(calls < 100, 0, latency)",
        {"calls": api.of("Count"), "latency": api.of("Latency", "p99")},
    )
    yield Alarm("api-latency-p99", text, busy, 2_000, period_s=300, periods=3, datapoints=2)
    text = "Callers exceed their limits: at least 5 % of the calls get a 429."
    yield Alarm("api-throttled-callers", text, throttled, 0.05, periods=15, datapoints=10)
    for endpoint in sources.api.endpoints:
        text = f"At least 5 % of the calls to {endpoint.route} get a 5xx."
        errors = sources.route(endpoint).of("5XXError", "Average")
        yield Alarm("endpoint-errors", text, errors, 0.05, slug(endpoint.route))


def _near_timeout(function: LambdaFunction, timeout_s: int) -> tuple[Metric, float]:
    """Return the longest duration of a function's invocations, and 80 % of its time limit."""
    return function.metrics.of("Duration", "Maximum"), 0.8 * 1_000 * timeout_s


def _of_function(function: EpochFunction, concurrency: int) -> Iterator[Alarm]:
    of, timeout_s = function.metrics.of, function.timeout_s
    text = "Invocations fail: a crash, a timeout or a failed import."
    yield Alarm("function-errors", text, of("Errors"), 1)
    text = "Lambda throttles the function: its or the account's concurrency limit is reached."
    yield Alarm("function-throttles", text, of("Throttles"), 1)
    text = f"Invocations run close to the timeout of {timeout_s} s."
    yield Alarm("function-duration", text, *_near_timeout(function, timeout_s))
    text = f"Concurrent executions are close to the limit of {concurrency}."
    concurrent = of("ConcurrentExecutions", "Maximum")
    yield Alarm("function-concurrency", text, concurrent, 0.8 * concurrency)


def _of_authorizer(sources: MetricSources, authorizer: EpochAuthorizer) -> Iterator[Alarm]:
    # Wrong credentials are errors of Lambda, too: only the log lines tell failures apart.
    failed = sources.own(authorizer, "authorizer").where(Outcome="failed").of("Requests")
    text = "The authorizer cannot verify callers: its code fails, or an issuer does not answer."
    yield Alarm("authorizer-failures", text, failed, 1)
    text = "Lambda throttles the authorizer: the account's concurrency limit is reached."
    yield Alarm("authorizer-throttles", text, authorizer.metrics.of("Throttles"), 1)
    text = f"The authorizer runs close to its timeout of {AUTHORIZER_TIMEOUT_S} s."
    yield Alarm("authorizer-duration", text, *_near_timeout(authorizer, AUTHORIZER_TIMEOUT_S))


def _of_table(sources: MetricSources, key: str) -> Iterator[Alarm]:
    table = sources.tables[key]
    # DynamoDB counts a throttled index under its own dimension.
    parts = {(key, "the table"): table.metrics}
    for index in table.declared.indexes:
        of_index = table.metrics.where(GlobalSecondaryIndexName=index.name)
        parts[f"{key}-{index.name}", f"index {index.name}"] = of_index
    for (of, part), metrics in parts.items():
        for kind in ("Read", "Write"):
            text = f"DynamoDB throttles {kind.lower()}s of {part}."
            throttles = metrics.of(f"{kind}ThrottleEvents")
            yield Alarm("table-throttles", text, throttles, 1, f"{of}-{kind.lower()}s")
    for operation in sources.operations(key):
        text = f"DynamoDB answers {operation} with internal errors (5xx)."
        errors = table.metrics.where(Operation=operation).of("SystemErrors")
        yield Alarm("table-system-errors", text, errors, 1, f"{key}-{operation.lower()}")


def _of_job(sources: MetricSources, key: str, job: EpochJob) -> Iterator[Alarm]:
    of, timeout_s = job.metrics.of, job.job.timeout_s
    text = f"Job {key} gave up on items: they are in its dead-letter queue."
    yield Alarm("job-dead-letters", text, dead_letters(job), 1)
    text = f"Invocations of job {key} fail: a crash, a timeout or a failed import."
    yield Alarm("job-errors", text, of("Errors"), 1, periods=15)
    text = f"Job {key} runs close to its timeout of {timeout_s} s."
    yield Alarm("job-duration", text, *_near_timeout(job, timeout_s), periods=15, datapoints=1)
    yield from job.alarms
    if own := job.job.alarm:
        text = f"At least {own.failures} items of job {key} failed within {own.period_s} seconds."
        failed = sources.own(job, key).where(Outcome="failed").of("Requests")
        yield Alarm("job-failures", text, failed, own.failures, "", own.period_s, 1, 1)
