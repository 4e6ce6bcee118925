"""`python -m tools.checks.snapshot`: writes each stack's resources as text for review in a diff."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.naming import resource_prefix
from function.endpoints import VERSION
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from openapi.__main__ import document_text
from openapi.document import api_info
from tools import cli
from tools.docs import configuration, reference

FOLDER = stack_files.ROOT / "tests" / "snapshots"
PRICES = stack_files.ROOT / "docs" / "operations.md"
_PRICE = re.compile(r"alarms [\d.]+ \(\d+ × 0\.10 \+ \d+ composites? × 0\.50\)")


def _archive(archive: pulumi.AssetArchive) -> dict[str, list[str]]:
    """Return an archive's own files and the names of its packages; the lock decides their files."""
    own, packages = set(), set()
    for name, asset in archive.assets.items():
        assert isinstance(asset, pulumi.FileAsset)
        path = Path(asset.path).relative_to(stack_files.ROOT)
        if "__pycache__" in name:  # depends on the machine's Python versions
            continue
        if path.parts[0].startswith("."):
            packages.add(re.sub(r"-[^-]+\.dist-info$", "", name.partition("/")[0]))
        else:
            own.add(name)
    return {"files": sorted(own), "packages": sorted(packages)}


def _shown(value: Any) -> Any:
    """Return a readable value: parsed JSON strings, file names of archives, placeholders for
    digests."""
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, pulumi.AssetArchive):
        return _archive(value)
    return _shown_text(value) if isinstance(value, str) else value


def _named(project: str, stack: str) -> dict[str, str]:
    """Return placeholders for the project's names: `pulumi new` gives a project another name, but
    its snapshot stays the same."""
    return {
        api_info(VERSION).description: "<description>",
        f"/{project}/{stack}/": f"/<project>/{stack}/",
        resource_prefix(project, stack): f"<project>-{stack}",
    }


def _nameless(value: Any, project: str, named: Mapping[str, str]) -> Any:
    """Return a value with placeholders for the project's names."""
    if isinstance(value, dict):
        found = {
            _nameless(name, project, named): _nameless(item, project, named)
            for name, item in value.items()
        }
        keys = ("project", "namespace", "METRIC_NAMESPACE")
        return found | {key: "<project>" for key in keys if value.get(key) == project}
    if isinstance(value, list):
        if len(value) > 2 and value[0] == project:  # a metric in a dashboard: its namespace
            value = ["<project>", *value[1:]]
        return [_nameless(item, project, named) for item in value]
    if isinstance(value, str):
        for name, instead in named.items():
            value = value.replace(name, instead)
    return value


def _shown_text(value: str) -> Any:
    if re.fullmatch("'?[0-9a-f]{12}'?|[0-9a-f]{64}", value):
        return "a digest"
    try:
        return _shown(json.loads(value)) if value.startswith(("{", "[")) else value
    except ValueError:
        return value


def text(resources: Iterable[Resource]) -> str:
    """Return the snapshot: YAML with the inputs of each resource, by component, type and name.

    It marks secrets and protected resources, and replaces the project's name.
    """
    shown: dict[str, dict[str, Any]] = {}
    project = stack = ""
    for resource in resources:
        if resource.component:
            continue
        inputs = {
            name: "a secret" if name in resource.secret else _shown(value)
            for name, value in resource.inputs.items()
        }
        if resource.protect:
            inputs["(protected)"] = True
        of_stack, project, component, component_name = resource.parent.split("::")
        stack = of_stack.rpartition(":")[2]
        of_component = shown.setdefault(f"{component.rpartition(':')[2]} {component_name}", {})
        of_component[f"{resource.kind} {resource.name}"] = inputs
    nameless = _nameless(shown, project, _named(project, stack))
    return yaml.safe_dump(nameless, width=100, allow_unicode=True)


def path(stack: str) -> Path:
    """Return the path of a stack's snapshot."""
    return FOLDER / f"{stack}.yaml"


def priced(page: str, resources: Iterable[Resource]) -> str:
    """Return docs/operations.md with the current cost of the alarms in USD a month."""
    kinds = [resource.kind for resource in resources]
    alarms = kinds.count("aws:cloudwatch/metricAlarm:MetricAlarm")
    composites = kinds.count("aws:cloudwatch/compositeAlarm:CompositeAlarm")
    cost = f"{alarms * 0.1 + composites * 0.5:.2f}"
    return _PRICE.sub(f"alarms {cost} ({alarms} × 0.10 + {composites} composites × 0.50)", page)


def main() -> list[str]:
    """Write the snapshot of every stack and the generated parts of docs/."""
    page = PRICES.read_text(encoding="utf-8")
    default = pulumi_program.declared_resources(stack_files.default_stack())
    PRICES.write_text(priced(page, default), encoding="utf-8")
    (stack_files.ROOT / "docs" / "openapi.json").write_text(document_text(), encoding="utf-8")
    configuration.main()
    reference.main()
    for stack in stack_files.stacks():
        path(stack).write_text(text(pulumi_program.declared_resources(stack)), encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(cli.run(main))
