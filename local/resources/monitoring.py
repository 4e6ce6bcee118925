"""CloudWatch and SNS."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, provisions, tag_list, take, take_pascal


@provisions("aws:cloudwatch/dashboard:Dashboard", updatable=True)
def _dashboard(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("dashboardName")
    context.client.put_dashboard(DashboardName=name, DashboardBody=declared.pop("dashboardBody"))
    return Provisioned(
        id=name, delete=partial(context.client.delete_dashboards, DashboardNames=[name])
    )


def _dimensions(declared: Properties) -> list[dict[str, str]]:
    return [{"Name": k, "Value": v} for k, v in declared.pop("dimensions").items()]


def _measured(declared: Properties) -> Properties:
    """Take out the metric of an alarm, or the metrics of its formula."""
    if "metricQueries" not in declared:
        return {"Dimensions": _dimensions(declared)}
    queries = []
    for query in declared.pop("metricQueries"):
        queries.append(take_pascal(query, "id", "expression", "label"))
        queries[-1]["ReturnData"] = query.pop("returnData", False)
        if metric := query.pop("metric", None):
            queries[-1]["MetricStat"] = {
                "Metric": {
                    "Dimensions": _dimensions(metric),
                    **take_pascal(metric, "metricName", "namespace"),
                },
                **take_pascal(metric, "period", "stat"),
            }
    return {"Metrics": queries}


@provisions("aws:cloudwatch/metricAlarm:MetricAlarm", updatable=True)
def _metric_alarm(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    context.client.put_metric_alarm(
        AlarmName=name,
        Tags=tag_list(declared),
        **_measured(declared),
        **take(declared, okActions="OKActions"),
        **take_pascal(
            declared,
            *("alarmActions", "alarmDescription", "comparisonOperator", "datapointsToAlarm"),
            *("evaluationPeriods", "extendedStatistic", "metricName", "namespace", "period"),
            *("statistic", "threshold", "treatMissingData"),
        ),
    )
    (alarm,) = context.client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": alarm["AlarmArn"]},
        delete=partial(context.client.delete_alarms, AlarmNames=[name]),
    )


@provisions("aws:cloudwatch/compositeAlarm:CompositeAlarm", updatable=True)
def _composite_alarm(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("alarmName")
    context.client.put_composite_alarm(
        AlarmName=name,
        Tags=tag_list(declared),
        **take(declared, okActions="OKActions"),
        **take_pascal(declared, "alarmActions", "alarmDescription", "alarmRule"),
    )
    return Provisioned(id=name, delete=partial(context.client.delete_alarms, AlarmNames=[name]))


@provisions("aws:cloudwatch/logMetricFilter:LogMetricFilter", service="logs", updatable=True)
def _log_metric_filter(context: Context, declared: Properties) -> Provisioned:
    where = {
        "logGroupName": declared.pop("logGroupName"),
        "filterName": context.physical_name(declared),
    }
    metric = declared.pop("metricTransformation")
    context.client.put_metric_filter(
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
    return Provisioned(
        id=where["filterName"], delete=partial(context.client.delete_metric_filter, **where)
    )


@provisions("aws:sns/topic:Topic")
def _topic(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    made = context.client.create_topic(
        Name=name,
        Attributes=take(declared, kmsMasterKeyId="KmsMasterKeyId"),
        Tags=tag_list(declared),
    )
    arn = made["TopicArn"]
    return Provisioned(
        id=arn,
        outputs={"name": name, "arn": arn},
        delete=partial(context.client.delete_topic, TopicArn=arn),
    )


@provisions("aws:sns/topicPolicy:TopicPolicy")
def _topic_policy(context: Context, declared: Properties) -> Provisioned:
    arn = declared.pop("arn")
    context.client.set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=declared.pop("policy")
    )
    return Provisioned(id=arn)  # deleted with its topic


@provisions("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(context: Context, declared: Properties) -> Provisioned:
    made = context.client.subscribe(
        TopicArn=declared.pop("topic"),
        Protocol=declared.pop("protocol"),
        Endpoint=declared.pop("endpoint"),
        ReturnSubscriptionArn=True,
    )
    return Provisioned(
        id=made["SubscriptionArn"],
        delete=partial(context.client.unsubscribe, SubscriptionArn=made["SubscriptionArn"]),
    )
