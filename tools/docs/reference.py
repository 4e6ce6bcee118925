"""Generates docs/reference.md from the signatures and docstrings of the public names."""

import ast
import copy
import importlib
import re
from types import ModuleType
from typing import Annotated, Any, get_origin

from local.stack_files import ROOT

PAGE = ROOT / "docs" / "reference.md"
# The sections of the page: a title, a module and its public names.
SECTIONS = (
    ("Endpoints", "function.declare.endpoint", "Endpoint Request Response Parameter SampleRequest"),
    ("Bodies", "function.declare.schema", "Raw Form"),
    (
        "Authentication",
        "function.declare.auth",
        "ApiKey Public Iam CognitoPool Jwt CustomAuth Identity",
    ),
    ("Custom authorizers", "function.declare.authorizer", "Authorizer Credentials"),
    ("Problems", "function.declare.problem", "Problem"),
    ("Jobs", "function.declare.job", "Job FailureAlarm"),
    (
        "Triggers and their items",
        "function.declare.trigger",
        "ScheduleTrigger ScheduledRun QueueTrigger Message StreamTrigger StreamRecord "
        "ObjectTrigger CreatedObject TopicTrigger Notification EventTrigger BusEvent",
    ),
    ("Tables", "function.declare.table", "Table Index Number Binary"),
    ("Keys", "function.declare.key_types", "PartitionKey SortKey"),
    ("Queues", "function.declare.queue", "Queue"),
    ("Topics", "function.declare.topic", "Topic"),
    ("Buckets", "function.declare.bucket", "Bucket"),
    ("Settings", "function.declare.setting", "Setting Settings"),
    (
        "Permissions",
        "function.declare.permission",
        "TablePermission QueuePermission TopicPermission BucketPermission SecretPermission "
        "ServicePermission Link",
    ),
    (
        "Calls to DynamoDB",
        "function.runtime.dynamodb",
        "call query_page table_name number ttl_attribute",
    ),
    ("Optimistic locking", "function.runtime.etags", "etag is_known expected_version write"),
    ("Calls to S3", "function.runtime.s3", "call presigned_upload presigned_download"),
    ("Calls to SQS", "function.runtime.sqs", "send"),
    ("Calls to SNS", "function.runtime.sns", "publish"),
    ("Calls to other services", "function.runtime.service", "call"),
    ("Values of links", "function.runtime.links", "value"),
    (
        "Errors of calls",
        "function.runtime.aws_client",
        "ConditionFailed TransactionCanceled service_unavailable",
    ),
    ("API keys at run time", "function.runtime.api_keys", "IssuedKey issue usage delete"),
    ("Log fields and metrics", "function.runtime.log", "add_fields metric"),
    (
        "Events for tests",
        "testing.events",
        "api_request schedule messages notification bus_event change created_object",
    ),
    ("Hook for responses", "function.responses", "customize_response"),
    ("Hook for resources", "customize", "customize"),
    ("Resources of your own", "infrastructure", "infrastructure"),
    ("Links to resources", "components.bindings", "Linked"),
)
_INTRO = """# Reference

After this page you know each name of the declaration language, its arguments and its limits. `make snapshot` writes
this page from the code.
"""
_LONGEST_LINE = 100


class _Plain(ast.NodeTransformer):
    """Replaces a module's constants by their values, and conditions of types by `notes`."""

    def __init__(self, module: ModuleType) -> None:
        self.module = vars(module)
        self.notes: list[str] = []

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Drop the conditions of `Annotated`; keep a range as a note."""
        if ast.unparse(node.value) != "Annotated" or not isinstance(node.slice, ast.Tuple):
            return self.generic_visit(node)
        kind, *conditions = node.slice.elts
        for condition in map(ast.unparse, conditions):
            if condition.startswith("between("):
                bounds = f"[{condition.removeprefix('between(').removesuffix(')')}]"
                low, high = eval(bounds, self.module)  # noqa: S307  # own source
                self.notes.append(f"{low:,} to {high:,}")
        plain: ast.AST = self.visit(kind)
        return plain

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Replace a constant by its value, and a private alias by its type."""
        value: Any = self.module.get(node.id)
        if isinstance(value, (int, float, str)) and node.id.isupper():
            return ast.Constant(value)
        if get_origin(value) is Annotated:
            return ast.Name(value.__origin__.__name__)
        return ast.Name("{}") if value == {} else node

    def line(self, node: ast.AST, default: ast.expr | None = None) -> tuple[str, str]:
        """Return a parameter as source text, and its note."""
        self.notes = []
        shown = ast.unparse(self.visit(copy.deepcopy(node)))
        if default:
            shown += f" = {ast.unparse(self.visit(copy.deepcopy(default)))}"
        return shown.replace("'", '"'), ", ".join(self.notes)


def _parameters(function: ast.FunctionDef, plain: _Plain) -> list[tuple[str, str]]:
    """Return a function's parameters with their notes, without `self`."""
    given = function.args
    named = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(named) - len(given.defaults)), *given.defaults]
    pairs = [*zip(named, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults)]
    shown = [plain.line(one, default) for one, default in pairs if one.arg != "self"]
    if given.vararg or given.kwonlyargs:
        star = f"*{ast.unparse(given.vararg)}" if given.vararg else "*"
        shown.insert(len(shown) - len(given.kwonlyargs), (star, ""))
    return shown + ([(f"**{ast.unparse(given.kwarg)}", "")] if given.kwarg else [])


def _signature(node: ast.ClassDef | ast.FunctionDef, plain: _Plain) -> str:
    """Return the call of a class or function; a long one has a line for each parameter."""
    result = ""
    if isinstance(node, ast.FunctionDef):
        shown = _parameters(node, plain)
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    else:
        functions = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
        shown = [plain.line(one) for one in node.body if isinstance(one, ast.AnnAssign)]
        if not shown and "__init__" in functions:
            shown = _parameters(functions["__init__"], plain)
        shown = shown or [(ast.unparse(base), "") for base in node.bases]
    line = f"{node.name}({', '.join(text for text, _ in shown)}){result}"
    if len(line) > _LONGEST_LINE or any(note for _, note in shown):
        lines = [f"    {text},{f'  # {note}' if note else ''}\n" for text, note in shown]
        line = f"{node.name}(\n{''.join(lines)}){result}"
    return line


def _is_member(function: ast.FunctionDef) -> bool:
    """Test that an example may use it: a public property, or an index."""
    if "property" in map(ast.unparse, function.decorator_list):
        return not function.name.startswith("_")
    return function.name == "__getitem__"


def _alias(module: str, node: ast.Assign) -> str:
    """Return the part of the page for a type with a name."""
    values = vars(importlib.import_module(module))
    shown = re.sub(r"\b[A-Z_]{3,}\b", lambda name: str(values[name[0]]), ast.unparse(node))
    return f"### {ast.unparse(node.targets[0])}\n\n```python\n{shown}\n```"


def _entry(module: str, node: ast.ClassDef | ast.FunctionDef | ast.Assign) -> str:
    """Return the part of the page for a class, function or type."""
    if isinstance(node, ast.Assign):
        return _alias(module, node)
    caller = f"{module.rpartition('.')[2]}." if isinstance(node, ast.FunctionDef) else ""
    parts = [
        f"### {caller}{node.name}",
        f"```python\n{_signature(node, _Plain(importlib.import_module(module)))}\n```",
        ast.get_docstring(node),
    ]
    members = [
        f"- `{one.name}`: {' '.join((ast.get_docstring(one) or '').split())}"
        for one in node.body
        if isinstance(one, ast.FunctionDef) and _is_member(one)
    ]
    return "\n\n".join(filter(None, [*parts, "\n".join(members)]))


def page() -> str:
    """Return docs/reference.md."""
    parts = [_INTRO.strip()]
    for title, module, names in SECTIONS:
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        found: dict[str, ast.ClassDef | ast.FunctionDef | ast.Assign] = {}
        for node in ast.parse(source).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                found[ast.unparse(node.targets[0])] = node
        parts.append(f"## {title}\n\nImport from `{module}`.")
        parts += [_entry(module, found[name]) for name in names.split()]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write docs/reference.md."""
    PAGE.write_text(page(), encoding="utf-8")
