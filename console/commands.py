"""The command of `make local`."""

import json
import os
import re
import threading
import time
from contextlib import suppress
from typing import Any

import pulumi

from console import console
from console.request_log import RequestLog
from function.declare import diagnostics
from function.declare.registry import load_endpoints
from local import issuer, local_stack, ministack, pulumi_program, stack_files
from local.demo import progress
from local.deployment import DeployError
from openapi import samples

# A frame of a traceback in an endpoint or a job, and the path of any frame in the function.
_HANDLER = re.compile(r'File "[^"]*?function/(?:authorizers|endpoints|jobs)/')
_PATH = re.compile(r'File "[^"]*?(function/[^"]+)"')

OUTPUTS = stack_files.ROOT / ".local" / "outputs.json"
PROFILE = OUTPUTS.with_name("aws-config")


def _sources() -> dict[str, int]:
    """Return the time of the last change of each source of the function."""
    found = {}
    # rglob would fail if a checkout removes a folder meanwhile.
    for folder, _, names in os.walk(stack_files.ROOT / "function"):
        for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
            with suppress(FileNotFoundError):  # an editor is replacing it
                found[path] = os.stat(path).st_mtime_ns
    return found


def _changed(sources: dict[str, int]) -> bool:
    """Wait for a change of the sources, at most for the interval at which lines are printed."""
    end = time.monotonic() + 0.3
    while not (changed := _sources() != sources) and time.monotonic() < end:
        time.sleep(0.05)
    return changed


def _update(local: local_stack.LocalStack) -> tuple[str, str]:
    """Apply the changed program; return the kind of notice and its text."""
    started = time.perf_counter()
    try:
        local.update()
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # An unfinished declaration may raise anything.
        own = str(error) if isinstance(error, pulumi.RunError) else diagnostics.explain(error)
        fault = " ".join((own or f"{type(error).__name__}: {error}").split())
        return "error", f"error: {fault}; the previous version stays in service"
    return "info", f"reloaded in {time.perf_counter() - started:.1f} s"


def _follow(local: local_stack.LocalStack, requests: RequestLog, sources: dict[str, int]) -> None:
    """Print each request; redeploy the function when you save one of its files."""
    failed = 0
    while local.emulator.process.running:
        failures = local.emulator.failures()
        for failure in failures[failed:]:
            print(failure, flush=True)
            requests.notice("error", failure[:1].upper() + failure[1:])
        failed = len(failures)
        while requests.printed:
            line = _brief(requests.printed.popleft())
            # A JSON string may hold half of a surrogate pair, which no terminal takes.
            print(line.encode(errors="backslashreplace").decode(), flush=True)
        if _changed(sources):
            sources = _sources()
            kind, text = _update(local)
            print(text, flush=True)
            requests.notice(kind, text)
    raise DeployError("MiniStack ended while the stack was up")


def _brief(line: dict[str, Any]) -> str:
    if "stackTrace" in line or line.get("message") == "request":
        with suppress(KeyError, TypeError, ValueError):  # it only resembles one of ours
            return _format(line)
    with suppress(RecursionError):
        return json.dumps(line)
    return "a deeply nested JSON object"


def _format(line: dict[str, Any]) -> str:
    if "stackTrace" in line:
        error = f"{line['errorType']}: {line['errorMessage']}"
        return "\n".join([f"{line.get('route')}  {error}", *_frames(line["stackTrace"])])
    return (
        f"{line['route']}  {line['status']} {line['outcome']}  {line['latencyMs']:.1f} ms"
        f"{'  key ' + str(line['key']) if 'key' in line else ''}"
        f"{'  ' + line['bodyError'] if 'bodyError' in line else ''}"
        f"{'  replayed' if line.get('replayed') else ''}"
        f"{'  cold start' if line['coldStart'] else ''}"
    )


def _frames(trace: list[str]) -> list[str]:
    """Return a traceback from the first frame in an endpoint or a job on."""
    frames = "\n".join(trace).splitlines()
    first = next((n for n, frame in enumerate(frames) if _HANDLER.search(frame)), len(frames))
    return [_PATH.sub(r'File "\1"', frame) for frame in frames[first:] if frame.strip()]


def _serve(page: console.Console, local: local_stack.LocalStack) -> None:
    from console import server  # slow

    server.run(page, local)


def up(stack: str, port: int | None, *, persist: bool, debug: int | None) -> None:
    """Bring the stack up and report its requests until the process ends.

    `persist` keeps the table data between runs. `debug` is the port for a debugger.
    """
    print(f"Starting stack {stack} on this machine")
    page, sources = console.Console(), _sources()

    def report(resource: pulumi_program.Resource, seconds: float | None) -> None:
        page.add_resource(resource)
        progress(resource, seconds)

    environment = dict(page.environment)
    if persist:
        environment["EPOCH_PERSIST_FILE"] = str(OUTPUTS.with_name(f"tables-{stack}.jsonl"))
    if debug:
        ministack.reserve(debug).close()
        environment["EPOCH_DEBUG_PORT"] = str(debug)
    with local_stack.up(stack, port=port, progress=report, environment=environment) as local:
        threading.Thread(target=_serve, args=(page, local), daemon=True).start()
        write = local.emulator.process.write_private_file
        write(PROFILE.name, local.emulator.profile)
        if claims := local.fixed_claims():
            write(issuer.FILE.name, json.dumps({"key": local.issuer.pem, "claims": claims}))
        # A reader that waits for the outputs then finds the other files.
        write(OUTPUTS.name, json.dumps(local.outputs, indent=2))
        print(f"\nendpoint  {local.outputs['sample_url']}")
        for name, key in local.outputs["api_keys"].items():
            print(f"api key   {key}  ({name})")
        for name in claims:
            print(f"tokens    make token ARGS='--auth {name}', of a test issuer")
        print(f"console   {page.url}")
        print(
            f"aws       AWS_CONFIG_FILE={PROFILE.relative_to(stack_files.ROOT)} AWS_PROFILE=local"
        )
        if debug:
            print(f"debugger  127.0.0.1:{debug}; functions have no timeout")
        if persist:
            print(
                f"tables    saved in {environment['EPOCH_PERSIST_FILE']}; delete it to start empty"
            )
        endpoint = samples.default_sample(load_endpoints())
        url, key = local.outputs["api_url"], local.outputs["default_api_key"]
        command = samples.curl(endpoint, url, key) if endpoint else samples.NO_SAMPLE
        print(f"\n  {command}\n\nPress Ctrl-C to stop.", flush=True)
        _follow(local, page.request_log, sources)
