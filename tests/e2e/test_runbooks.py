"""The commands of docs/operations.md, run where the emulator can."""

import re
import shlex
from typing import Any

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


_EXAMPLE = {"S": {"S": "one"}, "N": {"N": "1"}, "B": {"B": b"1"}}


def _key(described: dict[str, Any]) -> list[str]:
    return [key["AttributeName"] for key in described["KeySchema"]]


def test_a_table_is_restored_and_the_lost_one_goes_when_its_protection_is_off() -> None:
    with local_stack.up(STACK, config=keys(protect_data="true")) as stack:
        client = stack.emulator.client("dynamodb")
        table = client.list_tables()["TableNames"][0]
        described = client.describe_table(TableName=table)["Table"]
        types = {a["AttributeName"]: a["AttributeType"] for a in described["AttributeDefinitions"]}
        item = {name: _EXAMPLE[types[name]] for name in _key(described)}
        client.put_item(TableName=table, Item=item)
        restored = f"{table}-restored"
        commands = _commands("Restore a table to a point in time", table=table, restored=restored)
        operations = [words[1] for words in commands]
        assert operations == [
            *("restore-table-to-point-in-time", "wait", "describe-table"),
            *("update-table", "delete-table"),
        ]
        found = [_run(stack, words) for words in commands[:3]]
        assert found[2]["Table"]["TableName"] == restored
        assert client.get_item(TableName=restored, Key=item)["Item"] == item
        # Deleting first is refused, as it should be.
        try:
            _run(stack, commands[4])
        except ClientError as refused:
            assert "protection" in str(refused)
        else:
            raise AssertionError("a protected table was deleted")
        for words in commands[3:]:
            _run(stack, words)
        assert table not in client.list_tables()["TableNames"]
        client.create_table(**_like(client, restored, table))  # for the end of the stack


def _like(client: Any, known: str, name: str) -> dict[str, Any]:
    described = client.describe_table(TableName=known)["Table"]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": described["KeySchema"],
        "AttributeDefinitions": [
            attribute
            for attribute in described["AttributeDefinitions"]
            if attribute["AttributeName"] in _key(described)
        ],
    }
