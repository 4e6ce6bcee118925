"""A function in its worker writes, prints and responds as in Lambda."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator import lambda_workers
from tests.emulator.conftest import function_of

_MAX_BODY = 6_291_556 - 2  # two quotes
_TEXT = "\n".join((json.dumps({"status": "ok", "result": "printed"}), "[" * 100_000, "x\n" * 300))

_CODE = """
import os, sys

def handler(event, context):
    exec(event["code"], globals())
    return run(event["text"])
"""

Invoke = Callable[[str], dict[str, Any]]


@pytest.fixture(name="invoke", scope="module")
def _invoke(own_workers: None) -> Iterator[Invoke]:
    """Return a function that runs the body of a handler in a worker; its `text` is _TEXT."""
    function = function_of("isolated", {"main.py": _CODE})

    def run(body: str) -> dict[str, Any]:
        lines = "\n    ".join(body.splitlines())
        event = {"code": f"def run(text):\n    {lines}\n", "text": _TEXT}
        return lambda_workers._execute(
            lambda_svc._execute_function_warm, function, event, "request"
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", "/home/function")
        yield run
        lambda_runtime.invalidate_worker("isolated")


@pytest.mark.parametrize(
    "write",
    (
        "print(text)",
        "os.write(1, text.encode())",
        "sys.__stdout__.write(text); sys.__stdout__.flush()",
        "__import__('subprocess').run(['cat'], input=text.encode(), check=True)",
        "open('/dev/stdout', 'w').write(text)",
    ),
)
def test_output_reaches_the_log_and_never_the_response(invoke: Invoke, write: str) -> None:
    result = invoke(f"{write}\nreturn 'returned'")
    assert result["body"] == "returned"
    assert result["log"].strip() == _TEXT.strip()


def test_input_of_a_function_is_empty(invoke: Invoke) -> None:
    assert invoke("return [sys.stdin.read(), os.read(0, 1).decode()]")["body"] == ["", ""]


@pytest.mark.parametrize(
    "change",
    (
        "open('data.json', 'w')",
        "open(__file__, 'a')",
        "os.open(os.path.dirname(__file__) + '/new', os.O_CREAT | os.O_RDONLY)",
        "os.mkdir('folder')",
        "os.remove(__file__)",
        "os.rename(__file__, '/tmp/moved')",
        "os.symlink('/tmp', 'link')",
        "__import__('shutil').rmtree(os.getcwd())",
        "open(os.path.expanduser('~/.settings'), 'w')",
        "os.makedirs(os.path.expanduser('~/.cache/tool'))",
        "open('/etc/settings', 'w')",
    ),
)
def test_files_outside_the_temporary_folder_are_read_only(invoke: Invoke, change: str) -> None:
    result = invoke(f"try:\n    {change}\nexcept OSError as error:\n    return error.strerror")
    assert result["body"] == os.strerror(30)  # EROFS on Linux and macOS


def test_temporary_files_can_be_written_and_deleted(invoke: Invoke) -> None:
    result = invoke(
        "import shutil, tempfile\n"
        "folder = tempfile.mkdtemp()\n"
        "os.makedirs(f'{folder}/a/b')\n"
        "open(f'{folder}/a/b/c', 'w').close()\n"
        "os.rename(f'{folder}/a/b/c', f'{folder}/a/b/d')\n"
        "found = os.listdir(f'{folder}/a/b')\n"
        "shutil.rmtree(folder)\n"
        "open(os.devnull, 'w').write('x')\n"
        "return [found, os.path.exists(folder)]"
    )
    assert result["body"] == [["d"], False]


@pytest.mark.parametrize("character", ("x", "é"))
def test_response_over_the_limit_of_lambda_is_an_error(invoke: Invoke, character: str) -> None:
    count = _MAX_BODY // len(character.encode())
    assert invoke(f"return {character!r} * {count}")["body"] == character * count
    refused = invoke(f"return {character!r} * {count + 1}")
    assert refused["error"]
    assert refused["body"] == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": (
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        ),
    }


@pytest.mark.parametrize("request_of", (lambda code: {"Code": code}, lambda code: code))
def test_code_over_the_limit_of_a_request_is_refused(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_workers, "_MAX_REQUEST_BYTES", 10)

    def save(size: int) -> Any:
        request = request_of({"ZipFile": "x" * size})
        return lambda_workers._save_code("CreateFunction", lambda *_: "saved", "name", request)

    assert save(9) == "saved"
    status, _, body = save(10)
    text = "Request must be smaller than 10 bytes for the CreateFunction operation"
    assert status == 413
    assert json.loads(body) == {"__type": "RequestEntityTooLargeException", "message": text}
