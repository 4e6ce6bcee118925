"""CloudWatch and SNS."""

from local.calls import Calls
from local.provisioner import Context
from local.pulumi_program import Properties


def _metric_alarm(_: Context, declared: Properties) -> None:
    for query in declared.get("metricQueries", ()):
        if metric := query.pop("metric", None):
            statistic = {name: metric.pop(name) for name in ("period", "stat")}
            query["metricStat"] = {**statistic, "metric": metric}


def _subscription(context: Context, declared: Properties) -> None:
    """Subscribe to an existing topic through an emulated one of its name."""
    topic, own = declared["topic"], context.own_arn(declared["topic"])
    if topic != own:
        declared["topic"] = context.client.create_topic(Name=own.rpartition(":")[2])["TopicArn"]


CALLS = {
    "aws:cloudwatch/dashboard:Dashboard": Calls(
        "put_dashboard", delete="delete_dashboards", id="{DashboardName}"
    ),
    "aws:cloudwatch/logGroup:LogGroup": Calls(
        "create_log_group",
        after=("put_retention_policy",),
        named="logGroupName",
        arn="arn:aws:logs:{region}:{account}:log-group:{name}",
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Calls(
        "put_metric_filter",
        named="filterName",
        renamed={
            "pattern": "filterPattern",
            "metricTransformation": "metricTransformations",
            "name": "metricName",
            "namespace": "metricNamespace",
            "value": "metricValue",
        },
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Calls(
        "put_metric_alarm",
        delete="delete_alarms",
        adapt=_metric_alarm,
        named="AlarmName",
        renamed={"metricQueries": "Metrics"},
        arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Calls(
        "put_composite_alarm", delete="delete_alarms", id="{AlarmName}"
    ),
    "aws:sns/topic:Topic": Calls(
        "create_topic",
        named="Name",
        renamed={"kmsMasterKeyId": "Attributes.KmsMasterKeyId"},
        id="{TopicArn}",
        arn="{TopicArn}",
    ),
    "aws:sns/topicPolicy:TopicPolicy": Calls(
        "set_topic_attributes",
        delete=None,
        renamed={"arn": "TopicArn", "policy": "AttributeValue"},
        fixed={"AttributeName": "Policy"},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Calls(
        "subscribe",
        delete="unsubscribe",
        adapt=_subscription,
        renamed={
            "filterPolicy": "Attributes.FilterPolicy",
            "filterPolicyScope": "Attributes.FilterPolicyScope",
            "topic": "TopicArn",
        },
        fixed={"ReturnSubscriptionArn": True},
    ),
}
