"""The commands of docs/operations.md, run where the emulator can."""

import re
import shlex
from dataclasses import replace
from functools import partial
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local import local_stack, stack_files
from tests.conftest import STACK, keys

RUNBOOK = (stack_files.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def _commands(section: str, **values: str) -> list[list[str]]:
    """Return the words of the AWS CLI's commands in a section, with its variables filled in."""
    text = RUNBOOK.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^    aws (.+)$", text, re.MULTILINE)
    filled = (re.sub(r"\$(\w+)", lambda name: values[name[1]], line) for line in lines)
    return [shlex.split(line) for line in filled]


def _call(client: Any, words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the operation of a command and its request; raises KeyError for one that AWS does not
    have."""
    _, operation, *options = words
    operations = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(operations[operation])
    members = {xform_name(name, "-"): name for name in model.input_shape.members}
    request: dict[str, Any] = {}
    while options:
        option = options.pop(0).removeprefix("--")
        if option == "query":  # the CLI's own
            options.pop(0)
            continue
        given = bool(options) and not options[0].startswith("--")
        name = members[option if option in members else option.removeprefix("no-")]
        request[name] = options.pop(0) if given else not option.startswith("no-")
    return operation.replace("-", "_"), request


def _run(stack: local_stack.LocalStack, words: list[str]) -> Any:
    """Run a command as the AWS CLI would."""
    client = stack.emulator.client(words[0])
    if words[1] == "wait":
        _, request = _call(client, [words[0], "describe-table", *words[3:]])
        return client.get_waiter(words[2].replace("-", "_")).wait(**request)
    operation, request = _call(client, words)
    return getattr(client, operation)(**request)


def test_every_command_of_the_runbook_is_one_that_aws_has() -> None:
    found = re.findall(
        r"(?:^    |`)aws ([a-z0-9]+ [a-z-]+(?: [^`]+?)?)(?:`|$)", RUNBOOK, re.MULTILINE
    )
    commands = [shlex.split(re.sub(r"<[^>]*>", "given", text)) for text in found]
    of_aws = [words for words in commands if words[1] != "wait"]
    assert len(of_aws) > 15
    for words in of_aws:
        operation, _ = _call(boto3.client(words[0], region_name="eu-central-1"), words)
        assert operation


def _enter_in_state(stack: local_stack.LocalStack, table: str, restored: str) -> None:
    """Put a restored table in the place of a table, as `pulumi import` does."""
    engine = stack.run.func.__self__  # type: ignore[attr-defined]
    deployed = engine._deployed
    (urn,) = (urn for urn, each in deployed.items() if each.provisioned.id == table)
    client = stack.emulator.client("dynamodb")
    arn = client.describe_table(TableName=restored)["Table"]["TableArn"]
    own = deployed[urn].provisioned
    provisioned = replace(
        own,
        id=restored,
        outputs={**own.outputs, "name": restored, "arn": arn},
        delete=partial(client.delete_table, TableName=restored),
    )
    deployed[urn] = deployed[urn]._replace(provisioned=provisioned)


@pytest.mark.usefixtures("sampled")
def test_a_restored_table_takes_the_place_of_the_lost_one() -> None:
    with local_stack.up(STACK, config=keys(protect_data="true")) as stack:
        client, table = stack.emulator.client("dynamodb"), stack.outputs["table_name"]
        assert stack.call().status < 300
        (before,) = stack.items()
        restored = f"{table}-restored"
        commands = _commands("Restore a table to a point in time", table=table, restored=restored)
        operations = [words[1] for words in commands]
        assert operations == [
            *("restore-table-to-point-in-time", "wait", "describe-table"),
            *("update-table", "delete-table"),
        ]
        found = [_run(stack, words) for words in commands[:3]]
        assert found[2]["Table"]["TableName"] == restored
        _enter_in_state(stack, table, restored)
        stack.outputs.update(stack.run().values)
        # The function now writes to the restored table, with the rights for it.
        assert stack.outputs["table_name"] == restored
        assert stack.call().status < 300
        assert before in stack.items() and len(stack.items()) == 2
        assert client.scan(TableName=table)["Count"] == 1
        # Deleting first is refused, as it should be.
        with pytest.raises(ClientError, match="protection"):
            _run(stack, commands[4])
        for words in commands[3:]:
            _run(stack, words)
        assert table not in client.list_tables()["TableNames"]
        assert stack.call().status < 300
