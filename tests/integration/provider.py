"""The program applied by the real AWS provider to the emulator. Run by `make test-terraform`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.packaging.project_bundle import project_bundle
from function.declare.registry import load_endpoints
from local import local_stack, stack_files
from local.resources import compute
from openapi import samples
from tests.conftest import STACK
from tools.checks import terraform_json
from tools.checks.pulumi_stack import configure
from tools.checks.terraform_provider import NEEDS, NEWER
from tools.project_copy import copy_of_project
from tools.release import smoke

OWN = {endpoint.path for endpoint in load_endpoints()}
SHOWN = samples.default_sample(load_endpoints())

# Pulumi names these by itself; Terraform needs their names.
_NAMED = {
    "aws_api_gateway_api_key": "name",
    "aws_api_gateway_usage_plan": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_cloudwatch_log_metric_filter": "name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_dynamodb_table": "name",
    "aws_iam_role": "name",
    "aws_lambda_function": "function_name",
    "aws_sns_topic": "name",
}

_ENDPOINT = '''"""A thing."""

from function.declare.endpoint import Response, Endpoint

ENDPOINT = Endpoint(
    method="GET",
    path="{path}",
    summary="A thing.",
    handle=lambda request: Response(status=204, body=None),
    responses={{204: None}},
)
'''


class Terraform:
    """A stack of the program as Terraform has it, in a folder."""

    def __init__(self, folder: Path, stack: str, account: local_stack.Account) -> None:
        self.folder, self.stack, self.account = folder, stack, account
        self.project = copy_of_project(folder.parent / f"{folder.name}-project")
        self._environment = {**os.environ, **account.emulator.environment}

    def route(self, path: str) -> None:
        """Declare an endpoint on a path beside the project's own, or none, and write it all."""
        module = self.project / "function" / "endpoints" / "made_by_a_test.py"
        module.unlink(missing_ok=True)
        if path:
            module.write_text(_ENDPOINT.format(path=path))
        command = [sys.executable, "-m", "tests.integration.provider", str(self.folder), self.stack]
        subprocess.run([*command, self.account.region], cwd=self.project, check=True)

    def paths(self) -> set[str]:
        """Return the routes of the stage, by the document that it exports."""
        gateway = self.account.emulator.client("apigateway")
        (api,) = gateway.get_rest_apis()["items"]
        export = gateway.get_export(restApiId=api["id"], stageName=self.stack, exportType="oas30")
        return set(json.loads(export["body"].read())["paths"])

    def __call__(self, *arguments: str, status: int = 0) -> str:
        run = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments, "-no-color"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, run.stdout + run.stderr
        return run.stdout

    def changes(self) -> list[str]:
        """Return the addresses of the resources that a plan would change."""
        self("plan", "-out", "next")
        plan = json.loads(self("show", "-json", "next"))
        changed = (one for one in plan["resource_changes"] if one["change"]["actions"] != ["no-op"])
        return [one["address"] for one in changed]

    def answers(self) -> bool:
        """Test that the sample call gets a response that its endpoint declares."""
        if not SHOWN:
            pytest.skip(samples.NO_SAMPLE)
        gateway = self.account.emulator.client("apigateway")
        (api,) = gateway.get_rest_apis()["items"]
        key = gateway.get_api_keys(includeValues=True)["items"][0]["value"]
        url = f"{self.account.emulator.url}/_aws/execute-api/{api['id']}/{self.stack}"
        return smoke.Api(url=url, api_key=key, document="").call(SHOWN).status in SHOWN.responses


@pytest.fixture(name="applied", scope="module", params=stack_files.stacks())
def _applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terraform]:
    with local_stack.emulated_account(
        stack_files.stack_config(request.param)["aws:region"]
    ) as account:
        made = Terraform(tmp_path_factory.mktemp("terraform"), request.param, account)
        (made.folder / "needs.tf").write_text(NEEDS)
        made.route("")
        made("init")
        made("validate")
        yield made


def test_apply_makes_an_api_that_answers(applied: Terraform) -> None:
    print(applied("apply", "-auto-approve")[-300:])
    assert applied.answers()


def test_a_second_plan_is_empty(applied: Terraform) -> None:
    assert not applied.changes()


@pytest.mark.parametrize("applied", (STACK,), indirect=True)
@pytest.mark.parametrize("path", ("/made-by-a-test", "/renamed-by-a-test", ""))
def test_a_route_is_served_as_it_is_declared_after_one_apply(applied: Terraform, path: str) -> None:
    applied.route(path)
    applied("apply", "-auto-approve")
    assert applied.paths() == OWN | ({path} if path else set())
    assert not applied.changes()
    assert applied.answers()


# How each service lists the resources of a stack.
_LISTS = {
    "apigateway": ("get_rest_apis", "get_api_keys", "get_usage_plans"),
    "cloudwatch": ("describe_alarms", "list_dashboards"),
    "dynamodb": ("list_tables",),
    "events": ("list_rules",),
    "iam": ("list_roles",),
    "lambda": ("list_functions", "list_event_source_mappings"),
    "logs": ("describe_log_groups",),
    "scheduler": ("list_schedules",),
    "sns": ("list_topics",),
    "sqs": ("list_queues",),
}


def test_destroy_leaves_nothing_once_the_table_is_unprotected(applied: Terraform) -> None:
    configure(applied.project, applied.stack, protect_data="false")
    applied.route("")
    applied("apply", "-auto-approve")
    applied("destroy", "-auto-approve")
    clients = {service: applied.account.emulator.client(service) for service in _LISTS}
    left = {call: getattr(clients[of], call)() for of, calls in _LISTS.items() for call in calls}
    assert not {
        call: value
        for call, answer in left.items()
        for value in answer.values()
        if isinstance(value, list) and value
    }


def write(folder: Path, stack: str, region: str) -> None:
    """Write the declared resources as Terraform's files."""
    (folder / "bundle.zip").write_bytes(compute.zip_bytes(project_bundle().archive()))
    for name, content in terraform_json.render(terraform_json.declared_resources(stack)).items():
        for kind, resources in content["resource"].items():
            for logical, arguments in resources.items():
                if argument := _NAMED.get(kind):
                    arguments.setdefault(argument, logical)
                if "endpoint_configuration" in arguments:
                    types = arguments["endpoint_configuration"]["types"]
                    arguments["endpoint_configuration"]["types"] = [types]
                for newer in NEWER.get(kind, ()):
                    arguments.pop(newer, None)
                arguments["lifecycle"]["prevent_destroy"] = False
        # That every resource tells its region is newer, too, and so is a version its secret's ARN.
        text = re.sub(r"\$\{[\w.-]+\.region\}", region, json.dumps(content))
        text = re.sub(r"(aws_secretsmanager_secret_version\.[\w-]+)\.secret_arn", r"\1.arn", text)
        (folder / name).write_text(text)


if __name__ == "__main__":  # in a copy of the project
    write(Path(sys.argv[1]), *sys.argv[2:])
