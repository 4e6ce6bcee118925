"""CloudWatch and SNS."""

from local.calls import Calls
from local.provisioner import Context, Provisioned, provisions
from local.pulumi_program import Properties

CALLS = {
    "aws:cloudwatch/dashboard:Dashboard": Calls(
        create="put_dashboard",
        update="put_dashboard",
        delete="delete_dashboards",
        id="{DashboardName}",
        deletion={"DashboardNames": "{DashboardName}"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Calls(
        create="create_log_group",
        after=("put_retention_policy",),
        delete="delete_log_group",
        named="logGroupName",
        id="{logGroupName}",
        outputs={
            "name": "{logGroupName}",
            "arn": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}",
        },
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Calls(
        create="put_metric_filter",
        update="put_metric_filter",
        delete="delete_metric_filter",
        named="filterName",
        renamed={
            "pattern": "filterPattern",
            "metricTransformation": "metricTransformations",
            "name": "metricName",
            "namespace": "metricNamespace",
            "value": "metricValue",
        },
        id="{filterName}",
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Calls(
        create="put_composite_alarm",
        update="put_composite_alarm",
        delete="delete_alarms",
        id="{AlarmName}",
        deletion={"AlarmNames": "{AlarmName}"},
    ),
    "aws:sns/topic:Topic": Calls(
        create="create_topic",
        delete="delete_topic",
        named="Name",
        renamed={"kmsMasterKeyId": "Attributes.KmsMasterKeyId"},
        id="{TopicArn}",
        outputs={"name": "{Name}", "arn": "{TopicArn}"},
    ),
    "aws:sns/topicPolicy:TopicPolicy": Calls(
        create="set_topic_attributes",
        renamed={"arn": "TopicArn", "policy": "AttributeValue"},
        fixed={"AttributeName": "Policy"},
        id="{TopicArn}",
    ),
    "aws:sns/topicSubscription:TopicSubscription": Calls(
        create="subscribe",
        delete="unsubscribe",
        renamed={"topic": "TopicArn"},
        fixed={"ReturnSubscriptionArn": True},
        id="{SubscriptionArn}",
    ),
}

_METRIC_ALARM = Calls(
    create="put_metric_alarm",
    update="put_metric_alarm",
    delete="delete_alarms",
    named="AlarmName",
    renamed={"metricQueries": "Metrics"},
    id="{AlarmName}",
    outputs={
        "name": "{AlarmName}",
        "arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}",
    },
    deletion={"AlarmNames": "{AlarmName}"},
)


@provisions("aws:cloudwatch/metricAlarm:MetricAlarm", updatable=True)
def _metric_alarm(context: Context, declared: Properties) -> Provisioned:
    for query in declared.get("metricQueries", ()):
        if metric := query.pop("metric", None):
            statistic = {name: metric.pop(name) for name in ("period", "stat")}
            query["metricStat"] = {**statistic, "metric": metric}
    return _METRIC_ALARM.provision(context, declared)
