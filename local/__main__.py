"""`python -m local demo` and `python -m local up`: what `make demo` and `make local` run."""

import argparse
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError

from local import console, deploy, program, traces, translate
from local.console.record import Record

OUTPUTS = program.ROOT / ".local" / "outputs.json"


def _progress(resource: program.Resource, seconds: float | None) -> None:
    label = resource.kind.rsplit(":", 1)[1]
    if resource.component:
        text = f"  + {label}  {resource.name}"
    elif seconds is None:
        reason = translate.NOT_EMULATED[resource.kind]
        text = f"    - {label:<16} {resource.name:<44} not here: {reason}"
    else:
        text = f"    + {label:<16} {resource.name:<44} {seconds * 1000:6.0f} ms"
    # In one piece: resources are created, and reported, from several threads.
    print(text + "\n", end="", flush=True)


def _show(title: str, value: Any) -> None:
    print(f"\n{title}\n  {value if isinstance(value, str) else json.dumps(value)}", flush=True)


def _wait_for(read: Any, seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _demo(stack: str, port: int | None) -> None:
    started = time.perf_counter()
    print(f"Bringing stack {stack} up on this machine")
    with deploy.up(stack, port=port, progress=_progress) as local:
        print(f"Up in {time.perf_counter() - started:.1f} s")
        reply = local.call()
        _show(f"POST {local.outputs['endpoint']}\n  {reply.status}", reply.body)
        if reply.status != 201:
            raise deploy.DeployError(f"POST /epoch answered {reply.status}, not 201")
        _show("Stored item", local.items()[0])
        line = _wait_for(local.log_lines)[0]
        _show("Log line", line)
        trace_id = line["traceId"]
        segments = _wait_for(lambda: local.traces.trace(trace_id))
        _show(f"Trace {trace_id}", "\n  ".join(traces.timeline(segments)))
    print(f"\nDown. All in {time.perf_counter() - started:.1f} s")


def _write_outputs(outputs: dict[str, Any]) -> None:
    OUTPUTS.parent.mkdir(exist_ok=True)
    descriptor = os.open(OUTPUTS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(outputs, out, indent=2)


def _remove_outputs(outputs: dict[str, Any]) -> None:
    """Remove the file, unless another run has written its own since."""
    if OUTPUTS.exists() and json.loads(OUTPUTS.read_text(encoding="utf-8")) == outputs:
        OUTPUTS.unlink()
        with suppress(OSError):  # another file is there
            OUTPUTS.parent.rmdir()


def _sources() -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns for path in (program.ROOT / "function").rglob("*.py")
    }


def _follow(local: deploy.LocalStack, record: Record) -> None:
    """Print requests as they come and publish the function when a file of it changes."""
    log, sources = deploy.LogTail(local), _sources()
    while True:
        try:
            for line in log.read():
                print(_brief(line), flush=True)
            if (now := _sources()) != sources:
                sources = now
                local.reload()
                print("function reloaded", flush=True)
                record.notice("info", "Function reloaded")
        except BotoCoreError as error:
            if local.emulator.process.poll() is None:
                raise
            raise deploy.DeployError("MiniStack ended while the stack was up") from error
        time.sleep(0.3)


def _brief(line: dict[str, Any]) -> str:
    if line.get("message") != "request":
        return json.dumps(line)
    return (
        f"{line['route']}  {line['status']} {line['outcome']}  {line['latencyMs']:.1f} ms  "
        f"key {line.get('key', '-')}{'  replayed' if line.get('replayed') else ''}"
        f"{'  cold start' if line['coldStart'] else ''}"
    )


def _up(stack: str, port: int | None) -> None:
    print(f"Bringing stack {stack} up on this machine")
    page = console.Console()

    def seen(resource: program.Resource, seconds: float | None) -> None:
        page.declare(resource)
        _progress(resource, seconds)

    with deploy.up(stack, port=port, progress=seen, environment=page.environment) as local:
        page.serve(local)
        _write_outputs(local.outputs)
        try:
            print(f"\nendpoint  {local.outputs['endpoint']}\napi key   {local.outputs['api_key']}")
            print(f"console   {page.url}")
            print(
                f"\n  curl -X POST -H 'x-api-key: {local.outputs['api_key']}' "
                f"{local.outputs['endpoint']}\n\nCtrl-C ends it.",
                flush=True,
            )
            _follow(local, page.record)
        finally:
            _remove_outputs(local.outputs)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the command; every failure is one line on stderr and a non-zero exit."""
    parser = argparse.ArgumentParser(prog="python -m local")
    parser.add_argument("command", choices=("demo", "up"))
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--port", type=int, help="MiniStack's port (default: a free one)")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        {"demo": _demo, "up": _up}[chosen.command](chosen.stack, chosen.port)
    except KeyboardInterrupt:
        print("\nEnded.", file=sys.stderr)
        return 0
    except Exception as error:  # pylint: disable=broad-exception-caught
        if os.environ.get("EPOCH_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
