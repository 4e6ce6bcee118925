"""CloudWatch and SNS."""

from functools import partial

from local.program import Properties
from local.provisioner import Context, Created, present, tag_list, translates


@translates("aws:cloudwatch/dashboard:Dashboard", in_place=True)
def _dashboard(context: Context, declared: Properties) -> Created:
    client = context.stack.client("cloudwatch")
    name = declared.pop("dashboardName")
    client.put_dashboard(DashboardName=name, DashboardBody=declared.pop("dashboardBody"))
    return Created(id=name, delete=partial(client.delete_dashboards, DashboardNames=[name]))


@translates("aws:cloudwatch/metricAlarm:MetricAlarm", in_place=True)
def _metric_alarm(context: Context, declared: Properties) -> Created:
    client = context.stack.client("cloudwatch")
    name = context.physical_name(declared)
    client.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=declared.pop("alarmDescription"),
        ComparisonOperator=declared.pop("comparisonOperator"),
        EvaluationPeriods=declared.pop("evaluationPeriods"),
        DatapointsToAlarm=declared.pop("datapointsToAlarm"),
        Threshold=declared.pop("threshold"),
        TreatMissingData=declared.pop("treatMissingData"),
        Namespace=declared.pop("namespace"),
        MetricName=declared.pop("metricName"),
        Dimensions=[{"Name": k, "Value": v} for k, v in declared.pop("dimensions").items()],
        Period=declared.pop("period"),
        Tags=tag_list(declared),
        **present(
            declared,
            alarmActions="AlarmActions",
            extendedStatistic="ExtendedStatistic",
            okActions="OKActions",
            statistic="Statistic",
        ),
    )
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Created(
        id=name,
        outputs={"name": name, "arn": alarm["AlarmArn"]},
        delete=partial(client.delete_alarms, AlarmNames=[name]),
    )


@translates("aws:cloudwatch/compositeAlarm:CompositeAlarm", in_place=True)
def _composite_alarm(context: Context, declared: Properties) -> Created:
    client = context.stack.client("cloudwatch")
    name = declared.pop("alarmName")
    client.put_composite_alarm(
        AlarmName=name,
        AlarmDescription=declared.pop("alarmDescription"),
        AlarmRule=declared.pop("alarmRule"),
        Tags=tag_list(declared),
        **present(declared, alarmActions="AlarmActions", okActions="OKActions"),
    )
    return Created(id=name, delete=partial(client.delete_alarms, AlarmNames=[name]))


@translates("aws:cloudwatch/logMetricFilter:LogMetricFilter", in_place=True)
def _log_metric_filter(context: Context, declared: Properties) -> Created:
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
                **present(metric, dimensions="dimensions", unit="unit"),
            }
        ],
    )
    return Created(id=where["filterName"], delete=partial(client.delete_metric_filter, **where))


@translates("aws:sns/topic:Topic")
def _topic(context: Context, declared: Properties) -> Created:
    client = context.stack.client("sns")
    name = context.physical_name(declared)
    made = client.create_topic(
        Name=name,
        Attributes=present(declared, kmsMasterKeyId="KmsMasterKeyId"),
        Tags=tag_list(declared),
    )
    arn = made["TopicArn"]
    return Created(
        id=arn,
        outputs={"name": name, "arn": arn},
        delete=partial(client.delete_topic, TopicArn=arn),
    )


@translates("aws:sns/topicPolicy:TopicPolicy")
def _topic_policy(context: Context, declared: Properties) -> Created:
    client = context.stack.client("sns")
    arn = declared.pop("arn")
    client.set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=declared.pop("policy")
    )
    return Created(id=arn, delete=lambda: None)  # goes with its topic


@translates("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(context: Context, declared: Properties) -> Created:
    client = context.stack.client("sns")
    made = client.subscribe(
        TopicArn=declared.pop("topic"),
        Protocol=declared.pop("protocol"),
        Endpoint=declared.pop("endpoint"),
        ReturnSubscriptionArn=True,
    )
    return Created(
        id=made["SubscriptionArn"],
        delete=partial(client.unsubscribe, SubscriptionArn=made["SubscriptionArn"]),
    )
