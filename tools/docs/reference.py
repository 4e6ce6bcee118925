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
    ("Optimistic locking", "function.runtime.etags", "etag expected_version write"),
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

    def shown(self, node: ast.AST) -> str:
        """Return a node as source text."""
        text = ast.unparse(self.visit(copy.deepcopy(node))).replace("'", '"')
        return re.sub(r"(?<=\S)=(?=\S)", " = ", text)


def _parameters(node: ast.ClassDef | ast.FunctionDef, plain: _Plain) -> list[str]:
    """Return the parameters of a call, each as it is written; a range is a comment."""
    if isinstance(node, ast.FunctionDef):
        text = plain.shown(node.args).removeprefix("self, ")
        return [f"{one}," for one in re.split(r", (?=\*|\w+: )", text) if one]
    parameters = []
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return _parameters(one, plain)
        if isinstance(one, ast.AnnAssign):
            plain.notes = []
            parameters.append(
                f"{plain.shown(one)}," + "".join(f"  # {note}" for note in plain.notes)
            )
    return parameters or [f"{ast.unparse(base)}," for base in node.bases]


def _signature(node: ast.ClassDef | ast.FunctionDef, plain: _Plain) -> str:
    """Return the call of a class or function; a long one has a line for each parameter."""
    parameters = _parameters(node, plain)
    result = ""
    if isinstance(node, ast.FunctionDef) and node.returns:
        result = f" -> {ast.unparse(node.returns)}"
    line = f"{node.name}({' '.join(parameters).removesuffix(',')}){result}"
    if len(line) > _LONGEST_LINE or "#" in line:
        lines = "".join(f"    {one}\n" for one in parameters)
        line = f"{node.name}(\n{lines}){result}"
    return line


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
    return "\n\n".join(filter(None, parts))


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
