"""The program and `bootstrap` in another partition than `aws`, for example GovCloud."""

import json

import pytest

from local import pulumi_program, stack_files
from local.stack_files import ROOT
from tests.conftest import STACK, plain

FOLDERS = ("bootstrap", "components", "function", "openapi")
BOOTSTRAP = ROOT / "bootstrap"


def test_no_source_names_a_partition() -> None:
    sources = [ROOT / "__main__.py"]
    sources += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 50
    named = ("arn:aws:", "arn%3Aaws%3A")
    assert not [str(path) for path in sources if any(n in path.read_text("utf-8") for n in named)]


@pytest.mark.usefixtures("jobs")
def test_every_arn_is_of_the_providers_partition() -> None:
    engine = pulumi_program.MockEngine(partition="aws-us-gov", region="us-gov-west-1")
    config = plain(manage_api_gateway_account="true") | {"aws:region": "us-gov-west-1"}
    pulumi_program.run(engine, stack=STACK, config=config)
    config = stack_files.stack_config("example", BOOTSTRAP)
    pulumi_program.run(engine, stack="example", config=config, folder=BOOTSTRAP)
    declared = json.dumps([resource.inputs for resource in engine.resources], default=str)
    assert "arn:aws-us-gov:iam" in declared and "arn:aws-us-gov:s3:::" in declared
    assert "arn:aws:" not in declared.replace(config["epoch-bootstrap:state_key"], "")
