"""What `make demo` does."""

import json
import time
from typing import Any

from function.declare.endpoint import Endpoint
from function.declare.registry import load_endpoints
from local import program, provisioner
from local import stack as local_stack
from local import xray_daemon
from openapi import samples


def progress(resource: program.Resource, seconds: float | None) -> None:
    """Print a resource that is there, or why it is not."""
    label = resource.kind.rsplit(":", 1)[1]
    if resource.component:
        text = f"  + {label}  {resource.name}"
    elif seconds is None:
        reason = provisioner.NOT_EMULATED[resource.kind]
        text = f"    - {label:<16} {resource.name:<44} not here: {reason}"
    else:
        text = f"    + {label:<16} {resource.name:<44} {seconds * 1000:6.0f} ms"
        if different := provisioner.different(resource):
            text += f"  differs here: {different}"
    # In one piece: resources are created, and reported, from several threads.
    print(text + "\n", end="", flush=True)


def _show(title: str, value: Any) -> None:
    print(f"\n{title}\n  {value if isinstance(value, str) else json.dumps(value)}", flush=True)


def _wait_for(read: Any) -> Any:
    deadline = time.monotonic() + 5
    while not (found := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def demo(stack: str, port: int | None) -> None:
    """Bring the stack up, send one request, show what came of it, and end."""
    started = time.perf_counter()
    print(f"Bringing stack {stack} up on this machine")
    with local_stack.up(stack, port=port, progress=progress) as local:
        print(f"Up in {time.perf_counter() - started:.1f} s")
        if shown := samples.first(load_endpoints()):
            _show_call(local, shown)
        else:
            _show(local.outputs["api_url"], f"Nothing is called: {samples.NONE}.")
    print(f"\nDown. All in {time.perf_counter() - started:.1f} s")


def _show_call(local: local_stack.LocalStack, shown: Endpoint[Any]) -> None:
    """Make the sample call of an endpoint; show its answer and what it left."""
    reply = local.call()
    _show(f"{shown.method} {local.outputs['sample_url']}\n  {reply.status}", reply.body)
    if reply.status not in shown.responses:
        why = "; ".join(local.emulator.failures())
        wanted = " or ".join(map(str, shown.responses))
        raise local_stack.DeployError(f"{shown.route} answered {reply.status}, not {wanted}. {why}")
    for item in local.items()[:1]:
        _show("Stored item", item)
    line = _wait_for(lambda: [line for line in local.log_lines() if "traceId" in line])[0]
    _show("Log line", line)
    trace_id = line["traceId"]
    # By UDP, the request's own segment last.
    _wait_for(lambda: any(s["namespace"] == "local" for s in local.traces.trace(trace_id)))
    _show(f"Trace {trace_id}", "\n  ".join(xray_daemon.timeline(local.traces.trace(trace_id))))
