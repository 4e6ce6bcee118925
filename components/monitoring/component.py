"""EpochMonitoring: alarms, their notifications, a dashboard and the sampling of traces."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.api import EpochApi
from components.component import EpochComponent
from components.iam import policies
from components.job import EpochJob
from components.metrics import Alarm, Metric
from components.monitoring import dashboard
from components.monitoring.alarms import (
    BURN_RATES,
    THROTTLED_CALLS,
    BurnRate,
    MetricSources,
    alarms,
    burn_rate_parts,
)
from components.naming import sampling_rule


def _measured(alarm: Alarm) -> dict[str, Any]:
    """Return the properties of an alarm that name its metric."""

    def of(metric: Metric, statistic: str) -> dict[str, Any]:
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": metric.dimensions,
            statistic: metric.stat,
            "period": alarm.period_s,
        }

    if isinstance(alarm.metric, Metric):
        percentile = alarm.metric.stat.startswith("p")
        return of(alarm.metric, "extended_statistic" if percentile else "statistic")
    inputs = [{"id": key, "metric": of(one, "stat")} for key, one in alarm.metric.metrics.items()]
    formula = {"id": "result", "expression": alarm.metric.expression, "return_data": True}
    return {"metric_queries": [*inputs, formula | {"label": alarm.name}]}


class EpochMonitoring(EpochComponent):
    """The alarms and the dashboard of an API, of its functions and tables, and of jobs.

    `concurrency` is the limit of concurrent executions of the API's function. Each alarm links to
    `runbook_url`. Alarms publish to `alarm_topic_arn`, or else to a topic of the component; AWS
    asks `alarm_email` to confirm its subscription to that one. `trace_sampling_rate` is the share
    of requests that X-Ray samples, from 0 to 1, after the first of each second; None leaves the
    decision to the account's default rule. With `monthly_budget_usd`, the topic also learns of the
    cost of the resources with `cost_tags`, which AWS counts once you activate them as cost
    allocation tags. `alarm_names` has every alarm that notifies.
    """

    def __init__(
        self,
        name: str,
        *,
        api: EpochApi,
        jobs: Mapping[str, EpochJob] | None = None,
        concurrency: int = 1_000,
        runbook_url: str = "docs/operations.md",
        trace_sampling_rate: pulumi.Input[float] | None = None,
        alarm_email: pulumi.Input[str] = "",
        alarm_topic_arn: pulumi.Input[str] = "",
        monthly_budget_usd: int = 0,
        cost_tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._name = name
        self._runbook_url = runbook_url
        budget = ["budgets"] if monthly_budget_usd else []
        self._topic_arn = alarm_topic_arn or self._topic(alarm_email, [*budget, "cloudwatch"]).arn
        self._count_throttled_calls(api)
        if monthly_budget_usd:
            self._budget(monthly_budget_usd, cost_tags or {})
        sources = MetricSources(api=api, jobs=jobs or {}, concurrency=concurrency)
        single = [self._alarm(alarm, [self._topic_arn]) for alarm in alarms(sources)]
        burn_rates = [self._burn_rate(sources, rate) for rate in BURN_RATES]
        names = [one.name for one in single] + [one.alarm_name for one in burn_rates]
        self.alarm_names = pulumi.Output.all(*names)
        arns = [one.arn for one in single] + [one.arn for one in burn_rates]
        if trace_sampling_rate is not None:
            self._sample_traces(api, trace_sampling_rate)
        board = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=name,
            dashboard_body=dashboard.body(sources, arns, runbook_url),
            opts=self.child(),
        )
        self.dashboard_url = pulumi.Output.format(
            "https://{0}.console.aws.amazon.com/cloudwatch/home?region={0}#dashboards/dashboard/{1}",
            api.api.region,
            board.dashboard_name,
        )

    def _topic(self, email: pulumi.Input[str], publishers: list[str]) -> aws.sns.Topic:
        """Return the topic of the alarms, to which AWS's services `publishers` may publish."""
        account = aws.get_caller_identity_output().account_id
        topic = aws.sns.Topic(self._name, opts=self.child())
        document = pulumi.Output.all(account, topic.arn).apply(
            lambda known: policies.document(
                {
                    **policies.allow(["sns:Publish"], known[1]),
                    "Principal": {"Service": [f"{name}.amazonaws.com" for name in publishers]},
                    "Condition": {"StringEquals": {"aws:SourceAccount": known[0]}},
                }
            )
        )
        aws.sns.TopicPolicy(self._name, arn=topic.arn, policy=document, opts=self.child())
        if email:
            aws.sns.TopicSubscription(
                self._name, topic=topic.arn, protocol="email", endpoint=email, opts=self.child()
            )
        return topic

    def _count_throttled_calls(self, api: EpochApi) -> None:
        """Emit the metric of throttled calls from the access log."""
        # The metric is 1 for a throttled call and 0 for another, so its average is their share.
        for filtered, (sign, value) in {"throttled": ("=", "1"), "served": ("!=", "0")}.items():
            aws.cloudwatch.LogMetricFilter(
                f"{self._name}-{filtered}",
                log_group_name=api.access_log.name,
                pattern=f'{{ $.status {sign} "429" }}',
                metric_transformation={
                    "name": THROTTLED_CALLS,
                    "namespace": api.function.metric_namespace,
                    "value": value,
                    "dimensions": {"ApiId": "$.apiId"},
                },
                opts=self.child(),
            )

    def _sample_traces(self, api: EpochApi, rate: pulumi.Input[float]) -> None:
        """Declare the share of the API's requests that X-Ray samples."""
        aws.xray.SamplingRule(
            self._name,
            rule_name=sampling_rule(self._name),
            priority=1_000,
            version=1,
            reservoir_size=1,
            fixed_rate=rate,
            service_name=pulumi.Output.concat(api.api.name, "/", api.stage.stage_name),
            service_type="AWS::ApiGateway::Stage",
            host="*",
            http_method="*",
            resource_arn="*",
            url_path="*",
            opts=self.child(),
        )

    def _budget(self, limit_usd: int, tags: Mapping[str, str]) -> None:
        """Declare a monthly budget for the resources with all of these tags."""
        aws.budgets.Budget(
            self._name,
            budget_type="COST",
            limit_amount=str(limit_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[
                {"name": "TagKeyValue", "values": [f"user:{key}${value}"]}
                for key, value in tags.items()
            ],
            notifications=[
                {
                    "notification_type": kind,
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [self._topic_arn],
                }
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
            opts=self.child(),
        )

    def _describe(self, description: str, section: str) -> str:
        return f"{description} Runbook: {self._runbook_url}#{section}"

    def _alarm(
        self, alarm: Alarm, topics: Sequence[pulumi.Input[str]] | None = None
    ) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.name}",
            alarm_description=self._describe(alarm.description, alarm.section),
            **_measured(alarm),
            comparison_operator=(
                "LessThanThreshold" if alarm.below else "GreaterThanOrEqualToThreshold"
            ),
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.datapoints,
            treat_missing_data="breaching" if alarm.below else "notBreaching",
            alarm_actions=topics,
            ok_actions=topics,
            opts=self.child(),
        )

    def _burn_rate(self, sources: MetricSources, rate: BurnRate) -> aws.cloudwatch.CompositeAlarm:
        parts = [self._alarm(part).name for part in burn_rate_parts(sources, rate)]
        return aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{rate.name}",
            alarm_name=f"{self._name}-{rate.name}",
            alarm_description=self._describe(rate.description, rate.name),
            alarm_rule=pulumi.Output.format('ALARM("{}") AND ALARM("{}") AND ALARM("{}")', *parts),
            alarm_actions=[self._topic_arn],
            ok_actions=[self._topic_arn],
            opts=self.child(),
        )
