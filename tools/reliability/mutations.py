"""Code changes that break a guarantee: a test must fail with each."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.project_copy import copy_of_project


class MutationError(RuntimeError):
    """A mutation no longer applies to the code, or its tests fail without it."""


class Mutation(NamedTuple):
    """A guarantee, a change that breaks it, and the tests for it."""

    guarantee: str
    file: str
    old: str
    new: str
    tests: str


_SERVICE = "tests/service/test_post_epoch.py"
_HANDLER = "tests/unit/function/runtime/test_api_handler.py"
_BODY = "tests/unit/function/runtime/test_body.py"
_SECRETS = "tests/unit/function/runtime/test_secrets.py"
_TELEMETRY = "tests/unit/function/runtime/test_telemetry.py"
_AWS = "tests/unit/function/runtime/test_aws_client_errors.py"
_POST = "function/endpoints/post_epoch.py"
_MAIN = "function/runtime/api_handler.py"
_CLIENT = "function/runtime/aws_client.py"

MUTATIONS = (
    Mutation(
        "an item is never written over",
        *(_POST, '"attribute_not_exists(#key)"', '"#key = #key OR attribute_not_exists(#key)"'),
        _SERVICE,
    ),
    Mutation(
        "X-Forwarded-For is not believed",
        *(_MAIN, "    if not proxies:\n        return seen", "    proxies = proxies or 1"),
        _HANDLER,
    ),
    Mutation(
        "an event is never logged",
        *(
            _MAIN,
            "    request = _parse_request(event",
            "    print(event)\n    request = _parse_request(event",
        ),
        _TELEMETRY,
    ),
    Mutation(
        "a 201 comes after the write",
        _POST,
        "stored, replayed = _put_if_absent(item, epoch)",
        "stored, replayed = item, False",
        _SERVICE,
    ),
    Mutation(
        "a repeat is told what is stored",
        *(_POST, "        return first, not (", "        return item, not ("),
        _SERVICE,
    ),
    Mutation(
        "who has no key gets nothing",
        *("openapi/security.py", "isinstance(auth, Public) else [{auth.name: []}]", "auth else []"),
        "tests/unit/openapi/test_document.py",
    ),
    Mutation(
        "two callers never share a record",
        *(_POST, 'f"{request.identity.id}\\0{header}"', 'f"{header}"'),
        _SERVICE,
    ),
    Mutation(
        "a random record has 122 random bits",
        *(_POST, "os.urandom(16)", "bytes(16)"),
        _SERVICE,
    ),
    Mutation(
        "what is no refusal of the moment is no 503",
        *(
            _CLIENT,
            "        if _is_retryable(service, error.response):\n",
            "        if error.response:\n",
        ),
        _AWS,
    ),
    Mutation(
        "the role may do what is declared, no more",
        "components/iam/policies.py",
        "[allow(sorted(names), resource) for",
        '[allow(sorted(names), "*") for',
        "tests/unit/components/iam/test_policies.py",
    ),
    Mutation(
        "an endpoint never sees the API key",
        *(_MAIN, '    headers.pop("x-api-key", None)\n', ""),
        _HANDLER,
    ),
    Mutation(
        "a response never shows the cause of an error",
        *(_MAIN, 'Problem(500, "The request could not be handled.")', "Problem(500, str(error))"),
        _HANDLER,
    ),
    Mutation(
        "a 405 names the allowed methods",
        *(_MAIN, 'headers={"Allow": allowed}', "headers={}"),
        _HANDLER,
    ),
    Mutation(
        "a page of an undeclared origin reads no response",
        *(_MAIN, 'allowed == ("*",) or origin in allowed:', 'allowed == ("*",) or origin:'),
        _HANDLER,
    ),
    Mutation(
        "a body that API Gateway had to repair is refused",
        *("function/runtime/body.py", "if _REPLACEMENT in sent:", "if not sent:"),
        _BODY,
    ),
    Mutation(
        "a rotated secret is read again",
        "function/runtime/secrets.py",
        "if value and time.monotonic() - read_at < MAX_AGE_S:",
        "if value:",
        _SECRETS,
    ),
    Mutation(
        "an error in telemetry fails no request",
        "function/runtime/telemetry.py",
        "    with suppress(Exception):\n        if parent:",
        "    if True:\n        if parent:",
        _TELEMETRY,
    ),
    Mutation(
        "a function is invoked by its own API alone",
        *(
            "emulator/iam.py",
            'return bool(result.decision == "Allow")',
            "return True",
        ),
        "tests/emulator/api_gateway/test_errors.py",
    ),
)


def _failing_test(project: Path, tests: str) -> str:
    """Return the first failing test, or ""."""
    out = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", *tests.split()],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    red = re.search(r"^(?:FAILED|ERROR) (tests/\S+)", out, re.MULTILINE)
    return red[1] if red else ""


def caught(folder: Path) -> Iterator[tuple[Mutation, str]]:
    """Return each mutation with the first test that fails, or "". `folder` is empty.

    Raises MutationError for a mutation that no longer applies, or tests that fail without it.
    """
    copy = copy_of_project(folder / "project")
    for tests in {mutation.tests for mutation in MUTATIONS}:
        if red := _failing_test(copy, tests):
            raise MutationError(f"{red} fails without a mutation")
    for mutation in MUTATIONS:
        path = copy / mutation.file
        whole = path.read_text("utf-8")
        if mutation.old not in whole:
            raise MutationError(f"{mutation.file} no longer contains {mutation.old!r}")
        path.write_text(whole.replace(mutation.old, mutation.new, 1), "utf-8")
        red = _failing_test(copy, mutation.tests)
        path.write_text(whole, "utf-8")
        yield mutation, red
