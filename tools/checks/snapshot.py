"""`python -m tools.checks.snapshot`: writes the stacks' resources as text for review in a diff."""

import hashlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
import yaml

from components.naming import resource_prefix
from components.packaging.archive import files_in
from components.packaging.bytecode import DEPENDENCIES
from function.endpoints import VERSION
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from openapi.__main__ import document_text
from openapi.document import api_info
from tools import cli
from tools.docs import configuration, reference

PATH = stack_files.ROOT / "tests" / "snapshots" / "resources.yaml"
# A collection that fits into a line of this length is one line.
_WIDTH = 100
_IMPORT = "x-amazon-apigateway-"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_USUAL = (
    *("alarmActions", "comparisonOperator", "datapointsToAlarm", "evaluationPeriods"),
    *("okActions", "period", "tags", "treatMissingData"),
)


def _archive(archive: pulumi.FileArchive) -> dict[str, list[str]]:
    """Return an archive's own files and the names of its packages; the lock decides their files."""
    own, packages = set(), set()
    for name, file in files_in(archive).items():
        path = file.relative_to(stack_files.ROOT)
        # Bytecode depends on the machine's Python versions.
        if "__pycache__" in name or name == DEPENDENCIES:
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
    if isinstance(value, pulumi.FileArchive):
        return _archive(value)
    return _shown_text(value) if isinstance(value, str) else value


def _nameless(value: Any, project: str, stack: str) -> Any:
    """Return a value with placeholders for the names of project and stack.

    `pulumi new` gives a project another name, and the stacks share what differs by name only.
    """
    replaced = {
        json.dumps(api_info(VERSION)["description"], ensure_ascii=False)[1:-1]: "<description>",
        f"/{project}/{stack}/": "/<project>/<stack>/",
        resource_prefix(project, stack): "<project>-<stack>",
        f"/{stack}/": "/<stack>/",
        f'"{stack}"': '"<stack>"',
        f'["{project}", "': '["<project>", "',  # a metric in a dashboard
    }
    replaced |= {
        f'"{key}": "{project}"': f'"{key}": "<project>"'
        for key in ("project", "namespace", "METRIC_NAMESPACE")
    }
    text_ = json.dumps(value, ensure_ascii=False)
    for name, placeholder in replaced.items():
        text_ = text_.replace(name, placeholder)
    return json.loads(text_)


def _shown_text(value: str) -> Any:
    if re.fullmatch(r"'?(?!\d{12}$)[0-9a-f]{12}'?|[0-9a-f]{64}", value):
        return "a digest"
    try:
        return _shown(json.loads(value)) if value.startswith(("{", "[")) else value
    except ValueError:
        return value


def _digest(value: Any) -> str:
    text_ = json.dumps(value, sort_keys=True)
    return f"digest {hashlib.sha256(text_.encode()).hexdigest()[:8]}"


def _api_summary(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return one line for each path and schema of an API document, and one for the rest.

    docs/openapi.json shows the document itself. A digest covers what only API Gateway reads. Each
    path has its own, so that two branches can add paths without a conflict.
    """
    rest = dict(body)
    paths, components = rest.pop("paths"), dict(rest.pop("components"))
    documentation = rest.pop(f"{_IMPORT}documentation")["documentationParts"]
    parts: dict[str, list[Any]] = {}
    for part in documentation:
        parts.setdefault(part["location"].get("path", ""), []).append(part)
    lines: dict[str, Any] = {}
    for path, operations in paths.items():
        words = []
        for method, operation in operations.items():
            schemes = [name for one in operation.get("security", ()) for name in one]
            key = f"with {schemes[0].replace('apiKey', 'key')}" if schemes else "without key"
            name = method.removeprefix(_IMPORT).removesuffix("-method").upper()
            words.append(f"{name} {operation[f'{_IMPORT}integration']['type']} {key}")
        lines[path] = [*words, _digest([operations, parts.pop(path, [])])]
    schemas = components.pop("schemas", {})
    lines |= {f"schema {name}": _digest(schema) for name, schema in schemas.items()}
    return lines | {"rest": _digest([rest, components, parts])}


def _dashboard_summary(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return one line for each widget of a dashboard, by title: its metrics and a digest.

    Positions are left out: a new widget moves those behind it.
    """
    lines: dict[str, Any] = {}
    for widget in body["widgets"]:
        shown = {name: value for name, value in widget.items() if name not in {"x", "y"}}
        properties = widget["properties"]
        title = properties.get("title", widget["type"])
        while title in lines:
            title += " again"
        metrics = [metric[1] for metric in properties.get("metrics", ()) if len(metric) > 1]
        line = ", ".join([*dict.fromkeys(metrics), _digest(shown)])
        lines[title] = properties.get("alarms") or line
    return lines


def _inputs(resource: Resource, project: str, stack: str) -> dict[str, Any]:
    shown = {
        name: "(secret)" if name in resource.secret else _shown(value)
        for name, value in resource.inputs.items()
    }
    inputs: dict[str, Any] = _nameless(shown, project, stack)
    if resource.kind == "aws:apigateway/restApi:RestApi":
        inputs["body"] = _api_summary(inputs["body"])
    if resource.kind == "aws:cloudwatch/dashboard:Dashboard":
        inputs["dashboardBody"] = _dashboard_summary(inputs["dashboardBody"])
    return inputs | ({"(protected)": True} if resource.protect else {})


def _tree(resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the inputs of a stack's resources by component, type and name."""
    tree: dict[str, Any] = {}
    for resource in resources:
        if resource.component:
            continue
        of_stack, project, component, component_name = resource.parent.split("::")
        stack = of_stack.rpartition(":")[2]
        names = (f"{component.rpartition(':')[2]} {component_name}", resource.kind, resource.name)
        of_component, kind, name = _nameless(names, project, stack)
        tree.setdefault(of_component, {})[f"{kind} {name}"] = _inputs(resource, project, stack)
    return tree


def _of_stacks(name: str, stacks: Iterable[str], known: Mapping[str, Any]) -> str:
    """Return a name, followed by the stacks that have it unless all have."""
    having = list(stacks)
    return name if len(having) == len(known) else f"{name} ({', '.join(having)})"


def _merged(trees: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trees of all stacks as one; `name (stack)` holds a value of some stacks only."""
    merged: dict[str, Any] = {}
    for name in sorted({name for tree in trees.values() for name in tree}):
        of_stack = {stack: tree[name] for stack, tree in trees.items() if name in tree}
        values = list(of_stack.values())
        if len(values) == len(trees):
            if all(isinstance(value, dict) for value in values):
                merged[name] = _merged(of_stack)
                continue
            if all(isinstance(value, list) and set(map(type, value)) <= {str} for value in values):
                merged[name] = [
                    _of_stacks(item, (s for s, value in of_stack.items() if item in value), trees)
                    for item in dict.fromkeys(item for value in values for item in value)
                ]
                continue
        by_value: dict[str, list[str]] = {}
        for stack, value in of_stack.items():
            by_value.setdefault(json.dumps(value, sort_keys=True), []).append(stack)
        for text_, stacks in by_value.items():
            merged[_of_stacks(name, stacks, trees)] = json.loads(text_)
    return merged


def _with_usual_values(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component's resources; the alarms' usual values are written once.

    An alarm without such a property says `(none)`.
    """
    alarms = {name: dict(inputs) for name, inputs in resources.items() if name.startswith(_ALARM)}
    usual: dict[str, Any] = {}
    for name in _USUAL:
        values = Counter(json.dumps(alarm[name]) for alarm in alarms.values() if name in alarm)
        if values:
            usual[name] = json.loads(values.most_common(1)[0][0])
    for alarm in alarms.values():
        for name, value in usual.items():
            if alarm.get(name) == value:
                del alarm[name]
            else:
                alarm.setdefault(name, "(none)")
    return {**resources, **alarms, **({f"{_ALARM} (unless given)": usual} if usual else {})}


def _fold(node: yaml.Node, depth: int = 0) -> int:
    """Put each collection below a resource's inputs into one line if it fits; return its length."""
    if isinstance(node, yaml.ScalarNode):
        return len(node.value) + 4
    assert isinstance(node, yaml.CollectionNode)
    mapping = isinstance(node, yaml.MappingNode)
    children = [child for pair in node.value for child in pair] if mapping else node.value
    length = sum(_fold(child, depth + 1) for child in children) + 2
    node.flow_style = depth > 2 and length < _WIDTH
    return length


def text(stacks: Mapping[str, Iterable[Resource]]) -> str:
    """Return the snapshot of the stacks, given by name, as YAML.

    It marks secrets and protected resources, and replaces the names of project and stack.
    """
    merged = _merged({stack: _tree(resources) for stack, resources in stacks.items()})
    shown = {component: _with_usual_values(resources) for component, resources in merged.items()}
    node = _Dumper(io.StringIO()).represent_data(shown)
    _fold(node)
    return str(yaml.serialize(node, width=_WIDTH, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """A YAML dumper that writes equal values out instead of a reference."""

    def ignore_aliases(self, _: Any) -> bool:
        """Return True."""
        return True


def main() -> list[str]:
    """Write the snapshot of the stacks and the generated parts of docs/."""
    declared = {stack: pulumi_program.declared_resources(stack) for stack in stack_files.stacks()}
    PATH.write_text(text(declared), encoding="utf-8")
    (stack_files.ROOT / "docs" / "openapi.json").write_text(document_text(), encoding="utf-8")
    configuration.main()
    reference.main()
    return []


if __name__ == "__main__":
    sys.exit(cli.run(main))
