"""API Gateway's export for the stage: valid, complete, and true to the service."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from function.declare.auth import ApiKey, Public
from function.declare.registry import load_endpoints
from local.local_stack import LocalStack
from local.stack_files import ROOT
from tests.conftest import STACK, run_python

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def document(local: LocalStack) -> Any:
    """Return the exported OpenAPI document."""
    client = local.emulator.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    export = client.get_export(restApiId=api["id"], stageName=STACK, exportType="oas30")
    return json.loads(export["body"].read())


def test_it_is_valid(document: Any) -> None:
    validate(document)


# The kinds of authentication that the tool's requests have.
_BY_KEY = (ApiKey, Public)


def _config(document: Any) -> str:
    """Return schemathesis's configuration: any documented status may answer a request.

    API Gateway's export says of a header only that it is a string, not which strings are valid. So
    a problem that an endpoint declares is no finding. Without a signature or a token, API Gateway
    refuses an undeclared method of a path before the function sees it.
    """
    documented = {
        int(status)
        for operations in document["paths"].values()
        for operation in operations.values()
        for status in operation["responses"]
    }
    problems = sorted(status for status in documented if status >= 400)
    return (
        f"[checks.positive_data_acceptance]\nexpected-statuses = {['2xx', '3xx', *problems]}\n"
        f"[checks.negative_data_rejection]\nexpected-statuses = {problems}\n"
    ) + "".join(
        f'[[operations]]\ninclude-path = "{path}"\nchecks.unsupported_method.enabled = false\n'
        for path in sorted({one.path for one in load_endpoints() if type(one.auth) not in _BY_KEY})
    )


def test_schemathesis_finds_nothing(local: LocalStack, document: Any, tmp_path: Path) -> None:
    export = tmp_path / "openapi.json"
    export.write_text(json.dumps(document))
    config = tmp_path / "schemathesis.toml"
    config.write_text(_config(document))
    preflights = {endpoint.path for endpoint in load_endpoints() if endpoint.cors}
    count = len(load_endpoints()) + len(preflights)
    said = run_python(
        tmp_path,
        *("-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", str(export)),
        *("--url", local.outputs["api_url"]),
        *("--header", f"x-api-key: {local.outputs['default_api_key']}"),
        *("--max-examples", str(max(3, 15 // count))),
        *("--seed", "1", "--generation-database", "none"),
        "--suppress-health-check=filter_too_much",  # says nothing about the API
    )
    assert f"{count} selected / {count} total" in said


def test_the_commands_document_is_the_committed_one_and_valid() -> None:
    printed, again = (run_python(ROOT, "-m", "openapi", PYTHONHASHSEED=seed) for seed in "12")
    assert printed == again
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    declared = json.loads(printed)
    for asked in ("title", "description"):  # the questions of `pulumi new`
        committed["info"][asked] = declared["info"][asked]
    assert declared == committed, "docs/openapi.json is not what is declared; run: make snapshot"
    validate(declared)
