"""The components in the Pulumi program of another project."""

import ast
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import (
    Bindings,
    Bundle,
    EpochApi,
    EpochDomain,
    EpochFirewall,
    EpochFunction,
    EpochSecret,
    RoleFactory,
)
from components.packaging.archive import files_in
from function.declare.endpoint import Endpoint, Response
from function.declare.setting import Setting
from local import pulumi_program
from local.stack_files import ROOT
from openapi.document import build
from tests.conftest import NAME, one

PAGE = (ROOT / "docs" / "using-components.md").read_text("utf-8")
COMPOSED, CUSTOMIZED = re.findall(r"^```python\n(.*?)```", PAGE, re.M | re.S)
FUNCTION, ALARM = "aws:lambda/function:Function", "aws:cloudwatch/metricAlarm:MetricAlarm"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Return the folder of another project, with the Lambda package `shop`."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    package = tmp_path / "shop"
    package.mkdir()
    for name in ("__init__", "orders", "ship"):
        (package / f"{name}.py").write_text("def handler(event, context):\n    return event\n")
    (package / "requirements.txt").write_text("")
    return tmp_path


def _declared(
    folder: Path, source: str
) -> tuple[list[pulumi_program.Resource], pulumi_program.Outputs]:
    (folder / "__main__.py").write_text(source)
    recorder = pulumi_program.MockEngine()
    outputs = pulumi_program.run(recorder, stack="live", config={}, folder=folder)
    return recorder.resources, outputs


def test_another_program_composes_the_components_twice(folder: Path) -> None:
    resources, outputs = _declared(folder, COMPOSED)
    urns = [resource.urn for resource in resources]
    assert len(urns) == len(set(urns))
    for name in ("retail", "wholesale"):
        function = one(resources, FUNCTION, f"{name}-function")
        assert function["handler"] == "shop.orders.handler"
        assert "shop/orders.py" in files_in(function["code"])
        variables = function["environment"]["variables"]
        assert variables["TABLE_ORDERS_NAME"] == f"{name}-orders"
        assert variables["METRIC_NAMESPACE"] == "Shop"
        api = one(resources, "aws:apigateway/restApi:RestApi", f"{name}-api")
        assert '"/orders"' in api["body"]
        assert f"{name}_keys" in outputs.secret
        metrics = {r.inputs.get("namespace") for r in resources if r.kind == ALARM}
        assert "Shop" in metrics
    assert not [urn for urn in urns if NAME in urn]


class _Inputs:
    """A program whose arguments are outputs of other resources, wherever an Input may be one."""

    def __init__(self, package: Path) -> None:
        self.package = package

    def __call__(self) -> None:
        def of(value: Any) -> pulumi.Output[Any]:
            return pulumi.Output.from_input(value).apply(lambda known: known)

        info = {"title": "A", "version": "1", "description": "B"}
        get = Endpoint(
            method="GET",
            path="/a",
            summary="Gets.",
            handle=lambda _: Response(status=200),
            responses={200: None},
        )
        token = Setting(name="token", type=str, description="A token", secret=True)
        secret = EpochSecret("a-token", setting=token, value=of("hush"))
        function = EpochFunction(
            "a-function",
            code=of(Bundle(package=self.package).archive()),
            handler="shop.orders.handler",
            endpoints=[get],
            bindings=Bindings(secrets={"token": secret}),
            roles=RoleFactory(),
            metric_namespace="Shop",
            memory_mb=of(256),
            log_retention_days=of(7),
            reserved_concurrency=of(5),
            provisioned_concurrency=of(2),
        )
        api = EpochApi(
            "a-api",
            api_name=of("a"),
            description=of("B"),
            stage_name=of("live"),
            document=build([get], info),
            function=function,
            rate_limit=of(10),
            burst_limit=of(20),
        )
        domain, zone = of("a.example.com"), of("Z1")
        EpochDomain(
            "a-domain", api=api, domain_name=domain, certificate_arn=of("arn"), hosted_zone_id=zone
        )
        EpochFirewall("a-firewall", api=api, rate_limit=of(100))


def test_arguments_may_be_outputs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.composed", _Inputs(folder / "shop"), raising=False)
    resources, _ = _declared(folder, "composed()\n")
    function = one(resources, FUNCTION)
    assert (function["memorySize"], function["reservedConcurrentExecutions"]) == (256, 5)
    assert one(resources, "aws:route53/record:Record", "a-domain")["zoneId"] == "Z1"
    version = one(resources, "aws:secretsmanager/secretVersion:SecretVersion")
    assert version["secretString"] == "hush"


def _attributes(tree: ast.AST) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_components_never_read_stack_config_themselves() -> None:
    reads = re.compile(r"pulumi\.(Config|runtime\.config|get_stack|get_project)\b|aws\.config\b")
    for path in (ROOT / "components").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [name for name in _attributes(tree) if reads.match(name)], path.name
        imported = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert not [name for name in imported if name.startswith("pulumi")], path.name
