"""API keys and usage plans."""

import json

import pytest

from components import ConfigError
from local import pulumi_program, stack_files
from tests.conftest import STACK, declare, one, plain

STACKS = stack_files.stacks()


@pytest.mark.parametrize(
    ("names", "key"), ((("admin", "default"), "default"), (("visitor", "admin"), "admin"))
)
def test_the_printed_key_is_the_default_one_or_the_first(names: tuple[str, ...], key: str) -> None:
    config = plain(api_keys=json.dumps(dict.fromkeys(names, "basic")))
    outputs = pulumi_program.run(pulumi_program.MockEngine(), stack=STACK, config=config).values
    assert outputs["default_api_key"] == outputs["api_keys"][key]


def test_a_callers_name_survives_the_rotation_of_its_key() -> None:
    names = (
        "tenant-01",
        "tenant-01--2",
        *(f"caller-of-a-long-name-number-{n:02}" for n in range(9)),
    )
    resources = declare(api_keys=json.dumps(dict.fromkeys(names, "basic")))
    variables = one(resources, "aws:apigateway/stage:Stage")["variables"]
    keys = [pair.split("=") for value in variables.values() for pair in value.split(",")]
    assert sorted(name for _, name in keys) == sorted(["tenant-01", "tenant-01", *names[2:]])
    assert len({key for key, _ in keys}) == len(names)
    assert len(variables) == 2 and all(key.isalnum() for key in variables)


def test_more_keys_than_a_stage_can_name_are_refused() -> None:
    names = {f"caller-{number}": "basic" for number in range(1_001)}
    with pytest.raises(ConfigError, match="the stack has 1,001 API keys; AWS allows 1,000"):
        declare(api_keys=json.dumps(names))
