"""Rules and framework name nothing of the template's service: another one can take its place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from local.stack_files import ROOT

# The project, the table, the path and the stacks of the template.
NAMES = ("epoch", "epochs", "/epoch", "dev", "prod")
# The names that are the framework's own: types, its metrics, folders and environment variables.
_OWN = re.compile(
    r"epoch:(components:)?|Epoch[A-Z]\w*|EPOCH_|epoch-(deployer|drift-|scan-|\*|\{)|epoch/pulumi"
)
# The service, its benchmark and its reliability run.
SERVICE = {
    *("buckets.py", "endpoints", "jobs", "queues.py", "settings.py", "tables.py", "topics.py"),
    *("bench", "post_epoch.py", "reliability"),
}
# Their tests, and those of another service.
TESTS = {
    *("service", "clients", "fixtures", "bench", "reliability", "test_names.py"),
    *("test_extended_rules.py", "test_extending.py", "test_post_epoch.py", "test_reliability.py"),
}
# Modules that may name a part of this service, each with the reason.
EXCEPTIONS = {
    "local/stack_files.py": {"dev"},  # the default stack
    "local/cli.py": {"dev"},  # its help says so
    "local/child_process.py": {"epoch"},  # the names of its folders
    "tools/release/list_stacks.py": {"prod"},  # the last stack
    "tests/unit/tools/release/test_list_stacks.py": {"dev", "prod"},  # stages of made-up files
    "tests/unit/bootstrap/test_policies.py": {"dev", "prod"},  # those of its example
    "tests/e2e/test_bootstrap.py": {"dev", "prod"},  # those of bootstrap/Pulumi.example.yaml
    "tests/unit/github/test_workflows.py": {"prod"},  # likewise
    "tools/merge_epoch.py": {"epoch"},  # the remote that a project takes newer versions from
    "tests/e2e/test_upgrading.py": {"epoch"},  # likewise
    "tests/emulator/test_persistence.py": {"epoch"},  # an attribute of a made-up item
    "tests/unit/local/test_calls.py": {"dev"},  # a made-up stack
    "tests/unit/local/test_deployment.py": {"dev"},  # likewise
    "tests/emulator/test_iam.py": {"dev", "prod"},  # parts of a made-up path
}


def _files() -> Iterator[Path]:
    yield ROOT / "__main__.py"
    for path in (ROOT / "tests").rglob("*.py"):
        if not TESTS & set(path.relative_to(ROOT / "tests").parts):
            yield path
    for folder in (
        "components",
        "console",
        "emulator",
        "function",
        "local",
        "openapi",
        "testing",
        "tools",
    ):
        for path in (ROOT / folder).rglob("*.py"):
            if not SERVICE & set(path.relative_to(ROOT).parts):
                yield path


def _texts(path: Path) -> Iterator[str]:
    """Return a module's strings, without its docstrings, which may tell an example."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield _OWN.sub("", node.value)


def test_only_the_service_is_called_by_its_name() -> None:
    pattern = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, NAMES))})(?![\w-])")
    found = {
        (str(path.relative_to(ROOT)), name, text)
        for path in _files()
        for text in _texts(path)
        for name in pattern.findall(text)
        if name not in EXCEPTIONS.get(str(path.relative_to(ROOT)), ())
    }
    assert not found, "\n".join(
        f"{path} names {name}: {text[:80]!r}" for path, name, text in sorted(found)
    )
