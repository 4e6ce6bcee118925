"""EpochMonitoring: the dashboard."""

import json

import pulumi
import pulumi_aws as aws

from components.api import EpochApi
from components.function import EpochFunction


class EpochMonitoring(pulumi.ComponentResource):
    """A CloudWatch dashboard of the API and the function."""

    def __init__(
        self,
        name: str,
        *,
        api: EpochApi,
        function: EpochFunction,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochMonitoring", name, None, opts)
        known = pulumi.Output.all(
            api=api.api.name,
            stage=api.stage.stage_name,
            function=function.name,
            region=api.api.region,
        )
        dashboard = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=name,
            dashboard_body=known.apply(lambda values: json.dumps({"widgets": _widgets(**values)})),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_url = pulumi.Output.format(
            "https://{0}.console.aws.amazon.com/cloudwatch/home?region={0}"
            "#dashboards/dashboard/{1}",
            api.api.region,
            dashboard.dashboard_name,
        )
        self.register_outputs({"dashboard_url": self.dashboard_url})


def _widgets(*, api: str, stage: str, function: str, region: str) -> list[dict[str, object]]:
    by_stage = ["ApiName", api, "Stage", stage]
    rows = (
        (
            "Requests and errors",
            "AWS/ApiGateway",
            ("Count", "4XXError", "5XXError"),
            by_stage,
            "Sum",
        ),
        ("Latency", "AWS/ApiGateway", ("Latency", "IntegrationLatency"), by_stage, "p99"),
        ("Function", "AWS/Lambda", ("Errors", "Throttles"), ["FunctionName", function], "Sum"),
    )
    return [
        {
            "type": "metric",
            "x": 0,
            "y": 6 * row,
            "width": 24,
            "height": 6,
            "properties": {
                "title": title,
                "region": region,
                "stat": stat,
                "metrics": [[namespace, metric, *dimensions] for metric in metrics],
            },
        }
        for row, (title, namespace, metrics, dimensions, stat) in enumerate(rows)
    ]
