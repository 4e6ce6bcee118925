"""What API Gateway exports for the stage: valid, the whole contract, and what the service does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from local.deploy import LocalStack
from local.program import ROOT


@pytest.fixture(scope="module")
def document(local: LocalStack) -> Any:
    """Return the exported OpenAPI document."""
    client = local.emulator.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    stage = local.outputs["endpoint"].split("/")[-2]
    export = client.get_export(restApiId=api["id"], stageName=stage, exportType="oas30")
    return json.loads(export["body"].read())


def test_it_is_valid(document: Any) -> None:
    validate(document)


def test_it_describes_the_contract(document: Any) -> None:
    assert "problem document" in document["info"]["description"]
    operation = document["paths"]["/epoch"]["post"]
    assert operation["summary"] and operation["operationId"] == "PostEpoch"
    (scheme,) = operation["security"][0]
    assert document["components"]["securitySchemes"][scheme] == {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }
    (header,) = operation["parameters"]
    assert (header["name"], header["in"], header["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )
    assert "255" in header["description"]
    answers = operation["responses"]
    assert set(answers) == {"201", "400", "403", "404", "405", "413", "429", "500", "503", "504"}
    assert all(not text["description"].endswith("response") for text in answers.values())
    assert answers["201"]["headers"]["Idempotency-Replayed"]["description"]
    schemas = document["components"]["schemas"]
    assert "content" not in answers.pop("413")
    for status, answer in answers.items():
        ((kind, content),) = answer["content"].items()
        assert kind == ("application/json" if status == "201" else "application/problem+json")
        schema = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]
        assert sorted(schema["required"]) == sorted(schema["properties"])
        assert ("Retry-After" in answer.get("headers", {})) == (status in {"429", "503"})


def test_schemathesis_finds_nothing(local: LocalStack, document: Any, tmp_path: Path) -> None:
    export = tmp_path / "openapi.json"
    export.write_text(json.dumps(document))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(export)),
            *("--url", local.outputs["url"]),
            *("--header", f"x-api-key: {local.outputs['api_key']}"),
            *("--max-examples", "15", "--seed", "1", "--generation-database", "none"),
        ],
        cwd=ROOT,  # schemathesis.toml
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 selected / 1 total" in run.stdout
