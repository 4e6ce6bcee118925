"""The bundle on other interpreters, and its bytecode."""

import json
import shutil
import ssl
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.util import source_from_cache
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.stub import Stubber

from components.packaging import archive, bytecode, dependencies
from components.packaging import project_bundle as bundles
from components.packaging.interpreter import PYTHON_VERSION
from components.packaging.project_bundle import project_bundle
from function.declare.permission import ServicePermission
from local.resources.compute import zip_bytes
from local.stack_files import ROOT
from tools.reliability import fake_dynamodb

_PYENV = f".pyenv/versions/{PYTHON_VERSION}.*/bin/python{PYTHON_VERSION}"
INTERPRETERS = [sys.executable, *map(str, sorted(Path.home().glob(_PYENV))[:1])]
# Answers one request as Lambda has it done, and finds DynamoDB in other regions and partitions.
PROBE = """
import importlib.metadata, json, sys
sys.path.append({folder!r})
from function.runtime.api_handler import handler
from function.runtime import telemetry
telemetry._sdk()
identity = {{"sourceIp": "192.0.2.1", "apiKeyId": "caller"}}
event = {{"httpMethod": "POST", "resource": "/things", "requestContext": {{"identity": identity}}}}
answer = handler(event, None)
import botocore.session
from botocore.config import Config
config = Config(ignore_configured_endpoint_urls=True)
clients = [
    botocore.session.get_session().create_client("dynamodb", region_name=region, config=config)
    for region in {regions!r}
]
print(json.dumps({{
    "answer": [answer["statusCode"], answer["body"]],
    "endpoints": [client.meta.endpoint_url for client in clients],
    "versions": [importlib.metadata.version(name) for name in ("botocore", "aws-xray-sdk")],
    "installed": [p for p in sys.path if "site-packages" in p],
    "loaded": sorted({{m.split(".")[0] for m in sys.modules}} & {{"boto3", "s3transfer"}}),
    "loader": type(botocore.__loader__).__module__,
}}))
"""

REGIONS = ("eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1")

compiles = pytest.mark.skipif(
    not bytecode.compiler(), reason="no Python of Lambda's version is at hand"
)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_it_needs_nothing_but_the_standard_library(
    interpreter: str, specimen: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(
        BytesIO(zip_bytes(archive.for_local_run(project_bundle().files(), interpreter)))
    ) as packed:
        packed.extractall(tmp_path)
    shutil.rmtree(tmp_path / "function")
    shutil.copytree(specimen / "function", tmp_path / "function")
    table = fake_dynamodb.Table()
    with fake_dynamodb.storage(table) as server:
        probe = PROBE.format(folder=str(tmp_path), regions=REGIONS)
        run = subprocess.run(
            [interpreter, "-I", "-S", "-B", "-c", probe],
            env={
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_ENDPOINT_URL_DYNAMODB": server.url,
                "AWS_LAMBDA_FUNCTION_NAME": "shop",
                "TABLE_THINGS_NAME": "things",
                # By these aws-xray-sdk knows that it is in Lambda.
                "LAMBDA_TASK_ROOT": str(tmp_path),
                "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=1;Sampled=1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert not run.returncode, run.stderr
    seen = json.loads(run.stdout)
    status, body = seen["answer"]
    assert status == 201 and list(table.items) == [json.loads(body)["id"]]
    assert all(seen["versions"])
    assert not seen["installed"] and not seen["loaded"]
    is_lambdas = Path(interpreter).resolve() == Path(bytecode.compiler() or "").resolve()
    assert (seen["loader"] == "function.runtime.bytecode_file") == is_lambdas
    whole = botocore.session.get_session()  # this one has all of botocore's data
    assert seen["endpoints"] == [
        whole.create_client("dynamodb", region_name=region).meta.endpoint_url for region in REGIONS
    ]


@compiles
def test_byte_code_is_the_same_each_time_and_taken_unchecked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = {
        name: path
        for name, path in project_bundle().files().items()
        if name.startswith("function/") and path.suffix == ".py"
    }
    compiled = bytecode.compiled(sources, ROOT / ".build", strict=True)
    first = {name: path.read_bytes() for name, path in compiled.items()}
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    second = bytecode.compiled(dict(reversed(sources.items())), tmp_path / "new", strict=True)
    assert first and {name: path.read_bytes() for name, path in second.items()} == first
    for content in first.values():
        assert content[4:8] == b"\1\0\0\0"  # PEP 552: by hash, and never checked
        assert str(ROOT).encode() not in content
    broken = tmp_path / "broken.py"
    broken.write_text("def")
    with pytest.raises(dependencies.BundleError, match="function/broken.py"):
        bytecode.compiled({"function/broken.py": broken}, tmp_path, strict=True)


@compiles
def test_byte_code_is_of_the_source_that_it_is_kept_for_whatever_an_editor_writes_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, make = tmp_path / "main.py", bytecode._compile
    source.write_text("X = 1\n")

    def meanwhile(*what: Any) -> None:
        source.write_text("X = 2\n")
        make(*what)

    monkeypatch.setattr(bytecode, "_compile", meanwhile)
    before, after = (
        content.read_bytes()
        for _ in range(2)
        for content in bytecode.compiled(
            {"main.py": source}, tmp_path / "build", strict=True
        ).values()
    )
    assert before != after


@compiles
def test_only_the_sdks_bytecode_leaves_out_docstrings(tmp_path: Path) -> None:
    source = tmp_path / "main.py"
    source.write_text('"""The docstring."""\n')
    sources = {f"{package}/main.py": source for package in ("botocore", "jsonpath_ng")}
    found = bytecode.compiled(sources, tmp_path / "build", strict=False)
    has_docstring = {
        name: b"The docstring." in content.read_bytes() for name, content in found.items()
    }
    cached = "__pycache__/main.cpython-313.pyc"
    assert has_docstring == {f"botocore/{cached}": False, f"jsonpath_ng/{cached}": True}


def test_who_calls_dynamodb_beside_the_stacks_tables_gets_its_whole_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = ServicePermission(name="dynamodb", resource="*", actions=("dynamodb:ListTables",))
    monkeypatch.setattr(
        bundles, "endpoints_by_module", lambda: {"x": SimpleNamespace(permissions=(tables,))}
    )
    (path,) = project_bundle().dependencies().glob("botocore/data/dynamodb/*/service-2.json")
    assert {"ListTables", "CreateBackup"} <= json.loads(path.read_text("utf-8"))[
        "operations"
    ].keys()


@pytest.mark.conformance
def test_it_has_the_data_of_what_is_called_and_no_bytecode_but_its_own() -> None:
    names = list(project_bundle().files())
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert "dynamodb" in services and "ec2" not in services
    beside = {source_from_cache(name) for name in names if name.endswith(".pyc")}
    sources = {name for name in names if name.endswith(".py")}
    own = {name for name in sources if name.startswith("function/")}
    if not bytecode.compiler():
        assert not beside and bytecode.DEPENDENCIES not in names
        return
    file = project_bundle().files()[bytecode.DEPENDENCIES].read_bytes()
    table = json.loads(file[8 : 8 + int.from_bytes(file[4:8], "big")])
    assert beside | {source for source, *_ in table.values()} == sources
    extensions = {bytecode._stem(name) for name in names if name.endswith(".so")}
    separate = {name for name in sources - own if bytecode._stem(name) in extensions}
    assert own <= beside and beside - own == separate | {bytecode._SEPARATE}


def test_the_bundle_has_the_authorities_of_aws_only() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(project_bundle().files()["botocore/cacert.pem"])
    subjects = [dict(part[0] for part in ca["subject"]) for ca in context.get_ca_certs()]
    assert {subject["commonName"] for subject in subjects} == {
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    }


def test_the_bundle_holds_what_the_sdk_needs_for_a_declared_service() -> None:
    bundle = replace(project_bundle(), services=frozenset({"s3"}))
    names = [name for name in bundle.files() if name.startswith("botocore/data/")]
    data = {Path(name).parts[2] for name in names}
    assert {"dynamodb", "s3"} <= data and "ec2" not in data
    session = botocore.session.get_session()
    folder = str(bundle.dependencies() / "botocore" / "data")
    loader = Loader(extra_search_paths=[folder], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    secret = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = session.create_client("s3", region_name="eu-central-1", **secret)
    with Stubber(client) as stubber:
        stubber.add_response("put_object", {"ETag": "stored"})
        assert client.put_object(Bucket="ours", Key="daily/1", Body=b"")["ETag"] == "stored"


def test_a_service_that_boto3_does_not_have_is_named() -> None:
    bundle = archive.Bundle(package=bundles.PACKAGE, services=frozenset({"dynamo"}))
    says = r"ServicePermission\('dynamo', …\): boto3 has no client of this name"
    with pytest.raises(dependencies.BundleError, match=says):
        bundle.dependencies()
