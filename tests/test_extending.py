"""docs/extending.md, executed: its endpoint is added to a copy of the project and called."""

import json
import re
import subprocess
import sys
from pathlib import Path

from local.program import ROOT

# Runs in the copy; prints what the test looks at.
USE = """
import json
from local import deploy
with deploy.up("dev") as local:
    made = local.call().json()
    key = made["key"]
    found = local.call(method="GET", path="/epoch/" + key)
    missing = local.call(method="GET", path="/epoch/none")
    gateway = local.emulator.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    export = gateway.get_export(restApiId=api["id"], stageName="dev", exportType="oas30")
    iam = local.emulator.client("iam")
    name = local.outputs["function_name"]
    function = local.emulator.client("lambda").get_function_configuration(FunctionName=name)
    role = function["Role"].rsplit("/", 1)[1]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    cloudwatch = local.emulator.client("cloudwatch")
    board = json.loads(cloudwatch.get_dashboard(DashboardName="epoch-dev")["DashboardBody"])
    stage = gateway.get_stage(restApiId=api["id"], stageName="dev")
    print(json.dumps({
        "alarms": [a["AlarmName"] for a in cloudwatch.describe_alarms()["MetricAlarms"]],
        "board": [widget["properties"].get("title", "") for widget in board["widgets"]],
        "access": [stage["accessLogSettings"]["format"], stage["methodSettings"]["*/*"]],
        "made": made,
        "found": [found.status, found.json()],
        "missing": [missing.status, missing.json()],
        "paths": json.loads(export["body"].read())["paths"],
        "policy": iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"],
        "routes": [line["route"] for line in local.log_lines()],
    }))
"""


def test_the_documented_endpoint_works_with_one_added_file(project: Path) -> None:
    text = (ROOT / "docs" / "extending.md").read_text()
    (module,) = re.findall(r"```python\n(.*?)```", text, re.S)
    (name,) = re.findall(r"`(function/endpoints/\w+\.py)`:", text)
    assert len(module.splitlines()) < 30
    (project / name).write_text(module)
    run = subprocess.run(
        [sys.executable, "-c", USE], cwd=project, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["found"] == [200, seen["made"]]
    assert seen["missing"][0] == seen["missing"][1]["status"] == 404
    assert "post" in seen["paths"]["/epoch"]
    exported = seen["paths"]["/epoch/{key}"]["get"]
    assert exported["summary"] == "Read a record." and exported["operationId"] == "GetEpochByKey"
    assert exported["parameters"][0]["description"] == "The record's key."
    assert seen["policy"]["Statement"][0]["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem"]
    assert "GET /epoch/{key}" in seen["routes"]
    assert [a for a in seen["alarms"] if a.startswith("epoch-dev-endpoint-errors-get-epoch-by-")]
    assert [title for title in seen["board"] if title.startswith("GET /epoch/{key}: ")]
    line, counted = seen["access"]
    assert json.loads(line)["route"] == "$context.httpMethod $context.resourcePath"
    assert counted["metricsEnabled"] is True
