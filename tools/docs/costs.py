"""Generates the fixed costs in docs/costs.md from the declarations."""

from collections.abc import Iterable

from function.declare.job_registry import load_jobs
from function.declare.registry import load_endpoints
from local.pulumi_program import Resource
from local.stack_files import ROOT
from tools.docs import configuration

PAGE = ROOT / "docs" / "costs.md"
# Custom metrics: for each route, the function's for four outcomes and three more, and API Gateway's
# five; for each job, the function's; for the stack, the throttled calls.
_OF_ROUTE, _OF_JOB, _OF_STACK = 12, 7, 1


def page(text: str, resources: Iterable[Resource]) -> str:
    """Return docs/costs.md with the fixed costs of a stack in USD a month."""
    alarms = composites = 0
    for resource in resources:
        if resource.kind == "aws:cloudwatch/metricAlarm:MetricAlarm":
            # AWS bills each metric that an alarm reads.
            queries = resource.inputs.get("metricQueries", [{"metric": {}}])
            alarms += sum("metric" in query for query in queries)
        composites += resource.kind == "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    routes, jobs = len(load_endpoints()), len(load_jobs())
    metrics = routes * _OF_ROUTE + jobs * _OF_JOB + _OF_STACK
    rows = (
        (
            "alarms",
            f"{alarms} × 0.10 + {composites} composites × 0.50",
            alarms / 10 + composites / 2,
        ),
        ("dashboard, after an account's first three", "1 × 3.00", 3.0),
        (
            "custom metrics while they report",
            f"({routes} × {_OF_ROUTE} for routes + {jobs} × {_OF_JOB} for jobs + {_OF_STACK})"
            " × 0.30",
            metrics * 0.3,
        ),
    )
    total = sum(cost for *_, cost in rows)
    lines = [
        "| fixed, per stack and month | arithmetic | $ |",
        "| --- | --- | --- |",
        *(f"| {what} | {arithmetic} | {cost:.2f} |" for what, arithmetic, cost in rows),
        f"| **together** | | **{total:.2f}** |",
    ]
    return configuration.with_part(text, "fixed costs", "\n".join(lines))


def write(resources: Iterable[Resource]) -> None:
    """Write the fixed costs of a stack into docs/costs.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), resources), encoding="utf-8")
