"""`make lint` fails on each kind of mistake, in a copy of the project; and rules beyond it."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from local.stack_files import ROOT
from tests.conftest import run

ENDPOINT = str(min(ROOT.glob("function/endpoints/[a-z]*.py")).relative_to(ROOT))
RELEASE = ".github/workflows/release.yml"
MODULE = ENDPOINT.removesuffix(".py").replace("/", ".")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project that shares the installed packages and mypy's cache."""
    copy = tmp_path_factory.mktemp("lint") / "project"
    shutil.copytree(
        ROOT,
        copy,
        # Nor the files that other tests may write.
        ignore=shutil.ignore_patterns(
            *(".git", ".venv*", ".build", ".local", "__pycache__"),
            *(".hypothesis", ".pytest_cache", ".schemathesis"),
        ),
    )
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


# Changes of files that each lint must see in one run, with its message. A name may have a part.
_SEEN: dict[str, list[tuple[str, str, str]]] = {
    "style:check": [(ENDPOINT, "\nimport colorsys\n", "unused-import")],
    "style:format": [(ENDPOINT, "\nX = {'a':1}\n", "^\\+X = ")],
    "types": [
        (ENDPOINT, '\nX: int = "a"\n', "Incompatible types in assignment"),
        ("components/table.py", '\naws.iam.Role("a", nam="b")\n', 'argument "nam"|No overload'),
    ],
    "imports": [
        (ENDPOINT, "\nimport pulumi\n", f"{MODULE}.*-> pulumi"),
        ("components/table.py", "\nimport local\n", "components.table -> local"),
        ("function/declare/queue.py", "\nimport boto3\n", "declare.queue -> boto3"),
        ("function/declare/table.py", "\nimport function.runtime\n", "table -> function.runtime"),
        ("emulator/limits.py", "\nimport local\n", "emulator.limits -> local"),
        ("openapi/samples.py", "\nimport openapi.document\n", "samples -> .document"),
        ("function/runtime/api_handler.py", "\nimport aws_xray_sdk\n", "handler -> aws_xray"),
    ],
    "dead-code": [(ENDPOINT, "\n\ndef never_called(): ...\n", "function 'never_called'")],
    "workflows:security": [
        (RELEASE, "      - run: ${{ github.head_ref }}\n", "template-injection")
    ],
    "workflows:schema": [(RELEASE, "      - runs: echo\n", "release.yml")],
    "text:shell": [(".ci/run", "\ncd $1\n", "SC2086")],
    "text:spelling": [("docs/pipeline.md", "\nthier\n", "thier ==> their")],
}


@pytest.mark.parametrize("name", _SEEN)
def test_it_fails_on(project: Path, name: str) -> None:
    before = {file: (project / file).read_text(encoding="utf-8") for file, _, _ in _SEEN[name]}
    try:
        for file, change, _ in _SEEN[name]:
            (project / file).write_text(before[file] + change, encoding="utf-8")
        files = " ".join(before)
        lint = f"lint-{name.partition(':')[0]}"
        result = run(project, "make", lint, f"SOURCES={files}", f"TYPED={files}")
    finally:
        for file, text in before.items():
            (project / file).write_text(text, encoding="utf-8")
    assert result.returncode, f"lint-{name} does not see it"
    said = result.stdout + result.stderr
    for _, _, says in _SEEN[name]:
        assert re.search(says, said, re.M), said


def test_mypy_reads_each_aws_service_that_the_code_uses() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    (read,) = [o for o in config["overrides"] if o.get("follow_imports") == "silent"]
    files = [
        file for name in config["files"] for file in (ROOT / name, *(ROOT / name).rglob("*.py"))
    ]
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    services = set(re.findall(r"\baws\.([a-z]\w*)\.[A-Z]", text))
    assert {"dynamodb", "lambda_"} <= services
    assert {f"pulumi_aws.{service}.*" for service in services} <= set(read["module"])


def test_make_lint_runs_every_lint_and_each_is_seen_to_fail() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (lints,) = re.findall(r"^LINTS := (.+)$", makefile, re.M)
    targets = re.findall(r"^lint-([a-z-]+):", makefile, re.M)
    assert {*lints.split()} == {*targets} == {name.partition(":")[0] for name in _SEEN}
