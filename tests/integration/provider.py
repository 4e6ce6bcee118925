"""The program applied by the real AWS provider to the emulator. Run by `make test-terraform`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.packaging.project_bundle import project_bundle
from function.declare.registry import load_endpoints
from local import local_stack, stack_files
from local.resources import compute
from openapi import samples
from tests.conftest import STACK
from tests.fixtures import every_kind
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
    "aws_sqs_queue": "name",
}


# How each service lists the resources of a stack.
_LISTS = {
    "apigateway": ("get_rest_apis", "get_api_keys", "get_usage_plans"),
    "cloudwatch": ("describe_alarms", "list_dashboards"),
    "dynamodb": ("list_tables",),
    "events": ("list_rules",),
    "iam": ("list_roles",),
    "lambda": ("list_functions", "list_event_source_mappings"),
    "logs": ("describe_log_groups",),
    "s3": ("list_buckets",),
    "scheduler": ("list_schedules",),
    "secretsmanager": ("list_secrets",),
    "sns": ("list_topics",),
    "sqs": ("list_queues",),
}


# MiniStack returns these in another form than AWS.
_EMULATED = {
    "aws_api_gateway_domain_name": ["mutual_tls_authentication"],
    "aws_lambda_function_event_invoke_config": ["maximum_event_age_in_seconds"],
    "aws_sqs_queue_redrive_policy": ["redrive_policy"],
}


class Terraform:
    """A stack of the program as Terraform has it, in a folder."""

    def __init__(self, folder: Path, stack: str, account: local_stack.Account) -> None:
        self.folder, self.stack, self.account = folder, stack, account
        self.project = copy_of_project(folder.parent / f"{folder.name}-project")
        self._environment = {**os.environ, **account.emulator.environment}

    def write(self) -> None:
        """Write the declared resources of the project."""
        command = [sys.executable, "-m", "tests.integration.provider", str(self.folder), self.stack]
        subprocess.run([*command, self.account.emulator.region], cwd=self.project, check=True)

    def paths(self) -> set[str]:
        """Return the routes of the stage, by the document that it exports."""
        gateway = self.account.emulator.client("apigateway")
        (api,) = gateway.get_rest_apis()["items"]
        export = gateway.get_export(restApiId=api["id"], stageName=self.stack, exportType="oas30")
        return set(json.loads(export["body"].read())["paths"])

    def indexes(self) -> set[str]:
        """Return the names of the indexes of the stack's tables."""
        client = self.account.emulator.client("dynamodb")
        tables = [
            client.describe_table(TableName=name)["Table"]
            for name in client.list_tables()["TableNames"]
        ]
        indexes = [index for table in tables for index in table.get("GlobalSecondaryIndexes", ())]
        return {index["IndexName"] for index in indexes}

    def jobs(self) -> list[str]:
        """Return the names of the functions of the jobs."""
        functions = self.account.emulator.client("lambda").list_functions()["Functions"]
        return [f["FunctionName"] for f in functions if "-job-by-" in f["FunctionName"]]

    def forget_queues(self, text: str) -> None:
        """Delete the queues with this text in their names, and the provider's knowledge of them.

        The provider waits 45 seconds for each deletion.
        """
        client = self.account.emulator.client("sqs")
        urls = [url for url in client.list_queues().get("QueueUrls", ()) if text in url]
        self("state", "rm", *(f"aws_sqs_queue.{url.rpartition('/')[2]}" for url in urls))
        for url in urls:
            client.delete_queue(QueueUrl=url)

    def left(self) -> dict[str, Any]:
        """Return the resources in the account, by the call that lists them."""
        clients = {service: self.account.emulator.client(service) for service in _LISTS}
        found = {
            call: getattr(clients[of], call)() for of, calls in _LISTS.items() for call in calls
        }
        return {
            call: value
            for call, answer in found.items()
            for value in answer.values()
            if isinstance(value, list) and value
        }

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

    def has_no_changes(self) -> bool:
        """Test that a plan is empty; the error shows the plan."""
        return bool(self("plan", "-detailed-exitcode"))

    def answers(self) -> bool:
        """Test that the sample call gets a response that its endpoint declares."""
        if not SHOWN:
            pytest.skip(samples.NO_SAMPLE)
        gateway = self.account.emulator.client("apigateway")
        (api,) = gateway.get_rest_apis()["items"]
        key = gateway.get_api_keys(includeValues=True)["items"][0]["value"]
        url = f"{self.account.emulator.url}/_aws/execute-api/{api['id']}/{self.stack}"
        return smoke.Api(url=url, api_key=key, document="").call(SHOWN).status in SHOWN.responses


@contextmanager
def _terraform(folder: Path, stack: str) -> Iterator[Terraform]:
    region = stack_files.stack_config(stack)["aws:region"]
    with local_stack.emulated_account(region) as account:
        made = Terraform(folder, stack, account)
        (made.folder / "needs.tf").write_text(NEEDS)
        yield made


@pytest.fixture(name="applied", scope="module", params=stack_files.stacks())
def _applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terraform]:
    with _terraform(tmp_path_factory.mktemp("terraform"), request.param) as made:
        made.write()
        made("init")
        yield made


@pytest.fixture(name="of_each_kind", scope="module")
def _of_each_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """Return a stack with a domain and, beside the project's own, each kind of declaration."""
    with _terraform(tmp_path_factory.mktemp("terraform"), STACK) as made:
        configure(
            made.project,
            made.stack,
            domain_name="api.example.com",
            certificate_arn="arn:aws:acm:eu-central-1:000000000000:certificate/one",
        )
        every_kind.add(made.project)
        every_kind.add_route(made.project, "/made-by-a-test")
        made.write()
        made("init")
        yield made


def test_apply_makes_an_api_that_answers(applied: Terraform) -> None:
    print(applied("apply", "-auto-approve")[-300:])
    assert applied.answers()


def test_a_second_plan_is_empty(applied: Terraform) -> None:
    assert applied.has_no_changes()


def test_destroy_leaves_nothing_once_the_table_is_unprotected(applied: Terraform) -> None:
    configure(applied.project, applied.stack, protect_data="false")
    applied.write()
    applied("apply", "-auto-approve", "-refresh=false")
    applied("destroy", "-auto-approve", "-refresh=false")
    assert not applied.left()


class TestEachKindOfDeclaration:
    """Its tests run beside those of the shipped stacks, in their order."""

    def test_each_kind_of_declaration_is_made_by_one_apply(self, of_each_kind: Terraform) -> None:
        of_each_kind("apply", "-auto-approve")
        assert of_each_kind.paths() == OWN | {"/made-by-a-test"}
        assert of_each_kind.indexes() == {"by-day", "by-author"}
        assert len(of_each_kind.jobs()) == 4
        assert of_each_kind.has_no_changes()

    def test_a_removed_index_and_job_and_a_renamed_route_go_by_one_apply(
        self, of_each_kind: Terraform
    ) -> None:
        every_kind.add(of_each_kind.project, without_job="by_stream", without_index="by-author")
        every_kind.add_route(of_each_kind.project, "/renamed-by-a-test")
        of_each_kind.write()
        of_each_kind.forget_queues("by-stream")
        of_each_kind("apply", "-auto-approve")
        assert of_each_kind.paths() == OWN | {"/renamed-by-a-test"}
        assert of_each_kind.indexes() == {"by-day"}
        assert len(of_each_kind.jobs()) == 3
        assert of_each_kind.has_no_changes()
        assert of_each_kind.answers()

    def test_each_kind_of_resource_is_destroyed(self, of_each_kind: Terraform) -> None:
        of_each_kind.forget_queues("-")
        of_each_kind("destroy", "-auto-approve", "-refresh=false")
        assert not of_each_kind.left()


def write(folder: Path, stack: str, region: str) -> None:
    """Write the declared resources as Terraform's files."""
    config = stack_files.local_config(stack)
    declared = terraform_json.declared_resources(stack, config)
    (folder / "bundle.zip").write_bytes(compute.zip_bytes(project_bundle().files()))
    for name, content in terraform_json.render(declared).items():
        for kind, resources in content["resource"].items():
            for logical, arguments in resources.items():
                if argument := _NAMED.get(kind):
                    arguments.setdefault(argument, logical)
                if "endpoint_configuration" in arguments:
                    types = arguments["endpoint_configuration"]["types"]
                    arguments["endpoint_configuration"]["types"] = [types]
                # MiniStack does not return it, so each plan would set it again.
                recovery = arguments.get("point_in_time_recovery", {})
                recovery.pop("recovery_period_in_days", None)
                arguments["lifecycle"]["ignore_changes"] = _EMULATED.get(kind, [])
                for newer in NEWER.get(kind, ()):
                    arguments.pop(newer, None)
                for index in arguments.get("global_secondary_index", ()):
                    index |= {
                        f"{key['key_type'].lower()}_key": key["attribute_name"]
                        for key in index.pop("key_schema")
                    }
                arguments["lifecycle"]["prevent_destroy"] = False
        # That every resource tells its region is newer, too, and so is a version its secret's ARN.
        text = re.sub(r"\$\{[\w.-]+\.region\}", region, json.dumps(content))
        text = re.sub(r"(aws_secretsmanager_secret_version\.[\w-]+)\.secret_arn", r"\1.arn", text)
        (folder / name).write_text(text)


if __name__ == "__main__":  # in a copy of the project
    write(Path(sys.argv[1]), *sys.argv[2:])
