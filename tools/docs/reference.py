"""Generates docs/reference.md from the signatures and docstrings of the public names."""

import ast

from local.stack_files import ROOT

PAGE = ROOT / "docs" / "reference.md"
# The sections of the page: a title, a module and its public names.
SECTIONS = (
    ("Endpoints", "function.declare.endpoint", "Endpoint Request Response Parameter SampleRequest"),
    ("Problems", "function.declare.problem", "Problem"),
    ("Jobs", "function.declare.job", "Job"),
    (
        "Triggers and their items",
        "function.declare.trigger",
        "ScheduleTrigger ScheduledRun QueueTrigger Message StreamTrigger StreamRecord "
        "ObjectTrigger CreatedObject",
    ),
    ("Tables", "function.declare.table", "Table Index Number Binary"),
    ("Queues", "function.declare.queue", "Queue"),
    ("Buckets", "function.declare.bucket", "Bucket"),
    ("Settings", "function.declare.setting", "Setting Settings"),
    (
        "Permissions",
        "function.declare.permission",
        "TablePermission QueuePermission SecretPermission BucketPermission ServicePermission",
    ),
    ("Calls to DynamoDB", "function.runtime.dynamodb", "call number table_name ttl_attribute"),
    ("Calls to S3", "function.runtime.s3", "call presigned_url"),
    ("Calls to SQS", "function.runtime.sqs", "send"),
    ("Calls to other services", "function.runtime.service", "call"),
    (
        "Other calls, and the errors of all calls",
        "function.runtime.aws_client",
        "send ConditionFailed service_unavailable",
    ),
    ("Hook for responses", "function.responses", "customize_response"),
    ("Hook for resources", "customize", "customize"),
)
_INTRO = """# Reference

After this page you know each name of the declaration language, its arguments and its limits. `make snapshot` writes
this page from the code.
"""
_LONGEST_LINE = 100


def _parameters(function: ast.FunctionDef) -> list[str]:
    """Return a function's parameters as source text, without `self`."""
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    pairs = [*zip(plain, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults)]
    shown = [
        ast.unparse(one) + (f" = {ast.unparse(default)}" if default else "")
        for one, default in pairs
        if one.arg != "self"
    ]
    if given.kwonlyargs:
        shown.insert(len(shown) - len(given.kwonlyargs), "*")
    return shown + ([f"**{ast.unparse(given.kwarg)}"] if given.kwarg else [])


def _signature(node: ast.ClassDef | ast.FunctionDef) -> str:
    """Return the call of a class or function; a long one has a line for each parameter."""
    result = ""
    if isinstance(node, ast.FunctionDef):
        shown = _parameters(node)
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    else:
        functions = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
        shown = [ast.unparse(one) for one in node.body if isinstance(one, ast.AnnAssign)]
        if not shown and "__init__" in functions:
            shown = _parameters(functions["__init__"])
        shown = shown or [ast.unparse(base) for base in node.bases]
    shown = [text.replace("'", '"').replace("EMPTY_MAPPING", "{}") for text in shown]
    line = f"{node.name}({', '.join(shown)}){result}"
    if len(line) > _LONGEST_LINE:
        line = f"{node.name}(\n" + "".join(f"    {one},\n" for one in shown) + f"){result}"
    return line


def _is_member(function: ast.FunctionDef) -> bool:
    """Test whether an example may use it: a public property, but `source`, or an index."""
    if "property" in map(ast.unparse, function.decorator_list):
        return not function.name.startswith("_") and function.name != "source"
    return function.name == "__getitem__"


def _entry(module: str, node: ast.ClassDef | ast.FunctionDef) -> str:
    """Return the part of the page for a class or function."""
    caller = f"{module.rpartition('.')[2]}." if isinstance(node, ast.FunctionDef) else ""
    parts = [
        f"### {caller}{node.name}",
        f"```python\n{_signature(node)}\n```",
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
        found = {
            node.name: node
            for node in ast.parse(source).body
            if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        }
        parts.append(f"## {title}\n\nImport from `{module}`.")
        parts += [_entry(module, found[name]) for name in names.split()]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write docs/reference.md."""
    PAGE.write_text(page(), encoding="utf-8")
