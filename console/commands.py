"""What `make local` does."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError

from console import console
from console.record import Record
from function.declare.registry import load_endpoints
from local import program
from local import stack as local_stack
from local.demo import progress
from openapi import samples

# Where in an endpoint or a job a traceback has been.
_PLACE = re.compile(r'File "[^"]*?(function/(?:endpoints|jobs)/[^"]+)", line (\d+)')

OUTPUTS = program.ROOT / ".local" / "outputs.json"
PROFILE = OUTPUTS.with_name("aws-config")


def _sources() -> dict[str, int]:
    found = {}
    # Not rglob, which fails on a folder that goes meanwhile, as by a checkout.
    for folder, _, names in os.walk(program.ROOT / "function"):
        for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
            with suppress(FileNotFoundError):  # an editor is at it
                found[path] = os.stat(path).st_mtime_ns
    return found


# Ends itself, whatever becomes of the run, where loading takes twice what Lambda lets it.
_LOAD = """
import signal
import sys
from function.declare import diagnostics
signal.alarm(20)
try:
    import function.runtime.api_handler
except (Exception, SystemExit) as error:
    sys.exit(diagnostics.explain(error) or repr(error))
"""


def _fault() -> str:
    """Return why the function's sources cannot be loaded, with file and line; "" where they can."""
    loaded = subprocess.run(
        [sys.executable, "-c", _LOAD],
        cwd=program.ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if loaded.returncode == -signal.SIGALRM:
        return "the function is not loaded after 20 seconds"
    silent = f"loading the function ended with status {loaded.returncode}"
    return (loaded.stderr.strip() or silent) if loaded.returncode else ""


def _update(local: local_stack.LocalStack) -> tuple[str, str]:
    """Apply the program as it now is; return how that went, and what to say of it."""
    started = time.perf_counter()
    fault = _fault()
    try:
        if not fault:
            local.update()
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Whatever a declaration raises that somebody is just writing.
        own = isinstance(error, pulumi.RunError)
        fault = str(error) if own else f"{type(error).__name__}: {error}"
    if fault:
        return "error", f"error: {' '.join(fault.split())}; what was there serves on"
    return "info", f"reloaded in {time.perf_counter() - started:.1f} s"


def _tails(
    local: local_stack.LocalStack, known: dict[str, local_stack.LogTail]
) -> dict[str, local_stack.LogTail]:
    return {
        name: known.get(name) or local_stack.LogTail(local, name) for name in local.log_groups()
    }


# Longer than any reading takes, but on a machine that hangs: there it is no reason to end the run.
_SILENT_S = 10


@contextmanager
def _noticing(record: Record) -> Iterator[None]:
    """Say so where the emulator, which is asked within the block, does not answer for long."""

    def tell() -> None:
        said = f"MiniStack has not answered for {_SILENT_S} seconds"
        print(f"{said}\n", end="", flush=True)
        record.notice("error", said)

    late = threading.Timer(_SILENT_S, tell)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _read(log: local_stack.LogTail, record: Record) -> list[dict[str, Any]]:
    with _noticing(record):
        return log.read()


def _follow(local: local_stack.LocalStack, record: Record, sources: dict[str, int]) -> None:
    """Print requests as they come, and apply the program when a file of the function changes."""
    logs, failed = _tails(local, {}), 0
    while True:
        try:
            failures = local.emulator.failures()
            for failure in failures[failed:]:
                print(f"the function failed: {failure}", flush=True)
                record.notice("error", f"The function failed: {failure}")
            failed = len(failures)
            for line in (line for log in logs.values() for line in _read(log, record)):
                print(_brief(line), flush=True)
            if (now := _sources()) != sources:
                sources = now
                kind, said = _update(local)
                logs = _tails(local, logs)  # a job may have come or gone
                print(said, flush=True)
                record.notice(kind, said)
        except BotoCoreError as error:
            became = "ended" if local.emulator.leash.ends() else "ceased to answer"
            raise local_stack.DeployError(f"MiniStack {became} while the stack was up") from error
        time.sleep(0.3)


def _brief(line: dict[str, Any]) -> str:
    if "stackTrace" in line or line.get("message") == "request":
        with suppress(KeyError, TypeError, ValueError):  # it only looks like ours
            return _told(line)
    return json.dumps(line)


def _told(line: dict[str, Any]) -> str:
    if "stackTrace" in line:
        places = _PLACE.findall("\n".join(line["stackTrace"]))
        where = [f"  {file}, line {number}" for file, number in places[-1:]]
        return f"{line.get('route')}  {line['errorType']}: {line['errorMessage']}{''.join(where)}"
    return (
        f"{line['route']}  {line['status']} {line['outcome']}  {line['latencyMs']:.1f} ms"
        f"{'  key ' + str(line['key']) if 'key' in line else ''}"
        f"{'  replayed' if line.get('replayed') else ''}"
        f"{'  cold start' if line['coldStart'] else ''}"
    )


def _serve(page: console.Console, local: local_stack.LocalStack) -> None:
    # Takes a moment, which nobody is to wait for.
    from console import server  # pylint: disable=import-outside-toplevel

    server.run(page, local)


def up(stack: str, port: int | None, *, keep: bool) -> None:
    """Bring the stack up and follow what it does, until the process is ended.

    With `keep` its tables are as they were in the last such run.
    """
    print(f"Bringing stack {stack} up on this machine")
    page, sources = console.Console(), _sources()

    def seen(resource: program.Resource, seconds: float | None) -> None:
        page.declare(resource)
        progress(resource, seconds)

    kept = {"EPOCH_PERSIST_FILE": str(OUTPUTS.with_name(f"tables-{stack}.jsonl"))} if keep else {}
    environment = {**page.environment, **kept}
    with local_stack.up(stack, port=port, progress=seen, environment=environment) as local:
        # From a thread, for as long as the process lives.
        threading.Thread(target=_serve, args=(page, local), daemon=True).start()
        publish = local.emulator.leash.publish
        publish(OUTPUTS, json.dumps(local.outputs, indent=2))
        publish(PROFILE, local.emulator.profile)
        print(f"\nendpoint  {local.outputs['sample_url']}")
        print(f"api key   {local.outputs['default_api_key']}")
        print(f"console   {page.url}")
        print(f"aws       AWS_CONFIG_FILE={PROFILE.relative_to(program.ROOT)} AWS_PROFILE=local")
        for path in kept.values():
            print(f"tables    kept in {path}; remove it to forget them")
        shown = samples.first(load_endpoints())
        url, key = local.outputs["api_url"], local.outputs["default_api_key"]
        called = samples.curl(shown, url, key) if shown else samples.NONE
        print(f"\n  {called}\n\nCtrl-C ends it.", flush=True)
        _follow(local, page.record, sources)
