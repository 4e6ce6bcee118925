"""A mistake in a declaration ends in one line that names the file and the way out."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run, run_python

ENDPOINT = """from function.declare.endpoint import Response, Endpoint
from function.declare.permission import TablePermission


def look(_):
    return Response(status=200, body={})


ENDPOINT = Endpoint(
    method="GET",
    path="/look",
    summary="Look.",
    handle=look,
    responses={200: {"title": "Look", "type": "object"}},
)
"""


LOOK, HELPER = "function/endpoints/get_look.py", "function/helper.py"
# Files with a mistake, and a part of the error.
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a package that is not there": (
        {LOOK: "import absent\n" + ENDPOINT},
        f"{LOOK}, line 1: ModuleNotFoundError: No module named 'absent'; add the package to "
        "function/requirements.in, then run: make lock test",
    ),
    "a module that ends the program": (
        {LOOK: "import sys\nsys.exit()\n" + ENDPOINT},
        f"{LOOK}, line 2: SystemExit",
    ),
    "a forgotten comma": (
        {LOOK: ENDPOINT.replace('/look",', '/look"')},
        f"{LOOK}, line 11: SyntaxError: invalid syntax. Perhaps you forgot a comma?",
    ),
    "a forgotten comma after a single permission": (
        {
            LOOK: ENDPOINT.replace(
                "\n)", '\n    permissions=(TablePermission("any", ("dynamodb:GetItem",))),\n)'
            )
        },
        f"{LOOK}: GET /look: permissions must be a tuple: put a comma after a single item, (…,)",
    ),
    "a missing field": (
        {LOOK: ENDPOINT.replace('    summary="Look.",\n', "")},
        f"{LOOK}, line 9: TypeError: Endpoint.__new__() missing 1 required positional argument: 'summary'",
    ),
    "a type that API Gateway cannot hold": (
        {
            LOOK: "from msgspec import Struct\nclass Tree(Struct):\n    twig: 'Tree | int'\n"
            + ENDPOINT.replace('{"title": "Look", "type": "object"}', "Tree")
        },
        f"{LOOK}: GET /look: response 200: Tree: a union cannot hold itself",
    ),
    "a type whose field nobody knows": (
        {
            LOOK: "from msgspec import Struct\nclass Tree(Struct):\n    twig: 'Twig'\n"
            + ENDPOINT.replace('{"title": "Look", "type": "object"}', "Tree")
        },
        f"{LOOK}: GET /look: response 200: name 'Twig' is not defined",
    ),
    "modules that import each other": (
        {
            LOOK: "from function.endpoints.look_again import ENDPOINT\n",
            "function/endpoints/look_again.py": "from function.endpoints.get_look import LOOK\n",
        },
        "ImportError: cannot import name 'LOOK' from partially initialized module "
        "'function.endpoints.get_look' (most likely due to a circular import)",
    ),
    "no endpoint": ({LOOK: "LOOK = 1\n"}, f"{LOOK} declares no ENDPOINT"),
    "a folder": (
        {"function/endpoints/looks/get_look.py": ENDPOINT},
        "function/endpoints/looks is a folder; move its modules into its parent folder",
    ),
    "a helper that only a call imports": (
        {HELPER: "def helped(:\n"},
        f"{HELPER}, line 1: SyntaxError: invalid syntax",
    ),
}


# Files beside the modules that declare nothing.
STRAY = ("README.md", "post_look.py~", "post_look.py.orig", "#get_look.py#", ".DS_Store", "_x.py")
# Runs in the copy: the program under Pulumi's mocks and the document, with each mistake in turn.
TRY = """
import json, sys
from pathlib import Path
import pulumi
from local import pulumi_program, stack_files

def said():
    with pulumi_program.reloaded_modules():
        from function.declare import diagnostics
        from openapi.__main__ import document_text
        found = {"mocks": "", "document": ""}
        try:
            document_text()
        except (Exception, SystemExit) as error:
            found["document"] = diagnostics.explain(error)
    try:
        with pulumi_program.reloaded_modules():
            pulumi_program.declared_resources(stack_files.stacks()[0])
    except pulumi.RunError as error:
        found["mocks"] = str(error)
    return found

for files in json.load(sys.stdin):
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    print(json.dumps(said()))
    for name in files:
        Path(name).unlink()
        if not any(Path(name).parent.iterdir()):
            Path(name).parent.rmdir()
"""


@pytest.fixture(name="copy", scope="module")
def _copy(copied: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("mistakes"))


def test_a_mistake_is_one_line_that_names_file_and_way_out(copy: Path) -> None:
    stray = {f"function/{part}/{name}": "x" for part in ("endpoints", "jobs") for name in STRAY}
    every = [*(files for files, _ in WRONG.values()), stray]
    said = run_python(copy, "-c", TRY, sent=json.dumps(every))
    *answers, of_stray = map(json.loads, said.splitlines())
    assert of_stray == {"mocks": "", "document": ""}
    for (name, (files, says)), answer in zip(WRONG.items(), answers, strict=True):
        ways = ("mocks",) if HELPER in files else ("mocks", "document")
        for way in ways:
            text = answer[way]
            assert says in text and "\n" not in text and len(text) < 200, f"{name}, {way}: {text}"
            assert text.startswith(tuple(files)) or name == "a folder", f"{name}, {way}: {text}"


def test_it_is_the_one_line_on_stderr(copy: Path) -> None:
    files, says = WRONG["a missing field"]
    ((file, text),) = files.items()
    path = copy / file
    path.write_text(text)
    try:
        for command in (("-m", "openapi"), ("-m", "local")):
            ended = run(copy, sys.executable, *command)
            assert ended.returncode == 1 and ended.stderr.count("\n") == 1, ended.stderr
            assert ended.stderr.startswith(f"error: {file}") and says in ended.stderr
    finally:
        path.unlink()
