"""What `make demo` and `make local` do."""

import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError

from local import deploy, program, traces, translate

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


def demo(stack: str, port: int | None) -> None:
    """Bring the stack up, send one request, show what came of it, and end."""
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


def _sources() -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns for path in (program.ROOT / "function").rglob("*.py")
    }


def _follow(local: deploy.LocalStack) -> None:
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
        except BotoCoreError as error:
            if local.emulator.leash.running:
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


def up(stack: str, port: int | None) -> None:
    """Bring the stack up and follow what it does, until the process is ended."""
    print(f"Bringing stack {stack} up on this machine")
    with deploy.up(stack, port=port, progress=_progress) as local:
        local.emulator.leash.publish(OUTPUTS, local.outputs)
        print(f"\nendpoint  {local.outputs['endpoint']}\napi key   {local.outputs['api_key']}")
        print(
            f"\n  curl -X POST -H 'x-api-key: {local.outputs['api_key']}' "
            f"{local.outputs['endpoint']}\n\nCtrl-C ends it.",
            flush=True,
        )
        _follow(local)
