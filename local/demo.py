"""The command of `make demo`."""

import json
import time
from typing import Any

from function.declare.endpoint import Endpoint
from function.declare.registry import load_endpoints
from local import local_stack, provisioner, pulumi_program, xray_daemon
from local.deployment import DeployError
from openapi import samples

_EFFECT_S = 5  # the longest wait for the log line and the trace of a request


def progress(resource: pulumi_program.Resource, seconds: float | None) -> None:
    """Print a created resource, or the reason for its absence."""
    label = resource.kind.rsplit(":", 1)[1]
    if resource.component:
        text = f"  + {label}  {resource.name}"
    elif seconds is None:
        reason = provisioner.NOT_EMULATED.get(resource.kind, "the local run lacks this type")
        text = f"    - {label:<16} {resource.name:<44} not emulated: {reason}"
    else:
        text = f"    + {label:<16} {resource.name:<44} {seconds * 1000:6.0f} ms"
    # One write for each line: several threads report resources.
    print(text + "\n", end="", flush=True)


def _show(title: str, value: Any) -> None:
    print(f"\n{title}\n  {value if isinstance(value, str) else json.dumps(value)}", flush=True)


def demo(stack: str, port: int | None) -> None:
    """Bring the stack up, send one request, show its effects, and stop."""
    started = time.perf_counter()
    print(f"Starting stack {stack} on this machine")
    with local_stack.up(stack, port=port, progress=progress) as local:
        print(f"Up in {time.perf_counter() - started:.1f} s")
        endpoint = samples.default_sample(load_endpoints())
        public = endpoint and samples.needs_only_a_key(endpoint)
        if endpoint and (public or endpoint.auth.name in local.fixed_claims()):
            _show_call(local, endpoint)
        else:
            reason = f"only you have credentials for {endpoint.route}" if endpoint else ""
            _show(local.outputs["api_url"], f"No request sent: {reason or samples.NO_SAMPLE}.")
    print(f"\nStopped after {time.perf_counter() - started:.1f} s")


def _log_lines(local: local_stack.LocalStack) -> list[dict[str, Any]]:
    """Return the log lines of requests, as soon as there is one."""
    return local_stack.wait_for(
        lambda: [line for line in local.log_lines() if "traceId" in line], _EFFECT_S
    )


def _show_call(local: local_stack.LocalStack, endpoint: Endpoint[Any]) -> None:
    """Send the sample request of an endpoint; show the response, item, log line and trace."""
    reply = local.call()
    _show(f"{endpoint.method} {local.outputs['sample_url']}\n  {reply.status}", reply.body)
    if reply.status not in endpoint.responses:
        for line in _log_lines(local)[-1:]:
            _show("Log line", line)
        why = "; ".join(local.emulator.failures())
        wanted = " or ".join(map(str, endpoint.responses))
        raise DeployError(f"{endpoint.route} returned {reply.status}, not {wanted}. {why}")
    for item in local.items()[:1]:
        _show("Stored item", item)
    line = _log_lines(local)[0]
    _show("Log line", line)
    trace_id = line["traceId"]
    # Segments arrive by UDP, that of the request last.
    local_stack.wait_for(
        lambda: any(s["namespace"] == "local" for s in local.traces.trace(trace_id)), _EFFECT_S
    )
    _show(f"Trace {trace_id}", "\n  ".join(xray_daemon.timeline(local.traces.trace(trace_id))))
