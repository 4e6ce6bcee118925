"""CloudWatch and SNS."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, provisions, tag_list, take, take_pascal


@provisions("aws:cloudwatch/dashboard:Dashboard", updatable=True)
def _dashboard(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("cloudwatch")
    name = declared.pop("dashboardName")
    client.put_dashboard(DashboardName=name, DashboardBody=declared.pop("dashboardBody"))
    return Provisioned(id=name, delete=partial(client.delete_dashboards, DashboardNames=[name]))


@provisions("aws:cloudwatch/metricAlarm:MetricAlarm", updatable=True)
def _metric_alarm(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("cloudwatch")
    name = context.physical_name(declared)
    client.put_metric_alarm(
        AlarmName=name,
        Dimensions=[{"Name": k, "Value": v} for k, v in declared.pop("dimensions").items()],
        Tags=tag_list(declared),
        **take(declared, okActions="OKActions"),
        **take_pascal(
            declared,
            *("alarmActions", "alarmDescription", "comparisonOperator", "datapointsToAlarm"),
            *("evaluationPeriods", "extendedStatistic", "metricName", "namespace", "period"),
            *("statistic", "threshold", "treatMissingData"),
        ),
    )
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": alarm["AlarmArn"]},
        delete=partial(client.delete_alarms, AlarmNames=[name]),
    )


@provisions("aws:cloudwatch/compositeAlarm:CompositeAlarm", updatable=True)
def _composite_alarm(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("cloudwatch")
    name = declared.pop("alarmName")
    client.put_composite_alarm(
        AlarmName=name,
        Tags=tag_list(declared),
        **take(declared, okActions="OKActions"),
        **take_pascal(declared, "alarmActions", "alarmDescription", "alarmRule"),
    )
    return Provisioned(id=name, delete=partial(client.delete_alarms, AlarmNames=[name]))


@provisions("aws:cloudwatch/logMetricFilter:LogMetricFilter", updatable=True)
def _log_metric_filter(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("logs")
    where = {
        "logGroupName": declared.pop("logGroupName"),
        "filterName": context.physical_name(declared),
    }
    metric = declared.pop("metricTransformation")
    client.put_metric_filter(
        **where,
        filterPattern=declared.pop("pattern"),
        metricTransformations=[
            {
                "metricName": metric.pop("name"),
                "metricNamespace": metric.pop("namespace"),
                "metricValue": metric.pop("value"),
                **take(metric, dimensions="dimensions", unit="unit"),
            }
        ],
    )
    return Provisioned(id=where["filterName"], delete=partial(client.delete_metric_filter, **where))


@provisions("aws:sns/topic:Topic")
def _topic(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("sns")
    name = context.physical_name(declared)
    made = client.create_topic(
        Name=name,
        Attributes=take(declared, kmsMasterKeyId="KmsMasterKeyId"),
        Tags=tag_list(declared),
    )
    arn = made["TopicArn"]
    return Provisioned(
        id=arn,
        outputs={"name": name, "arn": arn},
        delete=partial(client.delete_topic, TopicArn=arn),
    )


@provisions("aws:sns/topicPolicy:TopicPolicy")
def _topic_policy(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("sns")
    arn = declared.pop("arn")
    client.set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=declared.pop("policy")
    )
    return Provisioned(id=arn)  # deleted with its topic


@provisions("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(context: Context, declared: Properties) -> Provisioned:
    client = context.stack.client("sns")
    made = client.subscribe(
        TopicArn=declared.pop("topic"),
        Protocol=declared.pop("protocol"),
        Endpoint=declared.pop("endpoint"),
        ReturnSubscriptionArn=True,
    )
    return Provisioned(
        id=made["SubscriptionArn"],
        delete=partial(client.unsubscribe, SubscriptionArn=made["SubscriptionArn"]),
    )
