"""The commands of docs/operations.md, run where the emulator can."""

import re
import shlex
from dataclasses import replace
from functools import partial
from typing import Any

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


def _run(stack: local_stack.LocalStack, words: list[str]) -> Any:
    """Run a command as the AWS CLI would; raises KeyError for an option that AWS does not have."""
    service, operation, *options = words
    client = stack.emulator.client(service)
    waiter = operation == "wait"
    if waiter:
        operation, *options = options
    called = "describe-table" if waiter else operation
    model = client.meta.service_model.operation_model(
        {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}[called]
    )
    members = {xform_name(name, "-"): name for name in model.input_shape.members}
    request: dict[str, Any] = {}
    while options:
        option = options.pop(0).removeprefix("--")
        given = bool(options) and not options[0].startswith("--")
        name = members[option.removeprefix("no-")]
        request[name] = options.pop(0) if given else not option.startswith("no-")
    if waiter:
        return client.get_waiter(operation.replace("-", "_")).wait(**request)
    return getattr(client, operation.replace("-", "_"))(**request)


def _enter_in_state(stack: local_stack.LocalStack, table: str, restored: str) -> None:
    """Put a restored table in the place of a table, as `pulumi import` does."""
    engine = stack.run.func.__self__  # type: ignore[attr-defined]
    deployed = engine._deployed  # pylint: disable=protected-access
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
