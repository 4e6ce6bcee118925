"""The modules that a cold start of the function imports."""

import subprocess
import sys

import pytest

from function.declare.permission import QueuePermission, ServicePermission
from function.declare.registry import load_endpoints
from local.stack_files import ROOT

pytestmark = pytest.mark.conformance


def test_a_cold_start_of_a_request_loads_nothing_of_jobs_queues_and_services() -> None:
    loaded = "import sys, function.runtime.api_handler; print(*(name for name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    optional = {
        *(
            "declare.bucket",
            "buckets",
            "declare.job",
            "declare.job_registry",
            "declare.queue",
            "jobs",
            "queues",
        ),
        *("runtime.job_handler", "runtime.service", "runtime.sqs"),
    }
    for endpoint in load_endpoints():
        for access in endpoint.permissions:
            sends = isinstance(access, QueuePermission)
            optional -= {"declare.queue", "queues", "runtime.sqs"} if sends else set()
            optional -= {"runtime.service"} if isinstance(access, ServicePermission) else set()
    found = set(run.stdout.split())
    assert "function.runtime.dynamodb" in found
    assert not found & {f"function.{name}" for name in optional} and "zoneinfo" not in found


def test_only_an_endpoint_that_declares_a_body_pays_for_it() -> None:
    check = "import sys, function.runtime.api_handler; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True, stdout=-1, text=True)
    bodies_of = [endpoint.body for endpoint in load_endpoints() if endpoint.body is not None]
    types = [
        *bodies_of,
        *(kind for endpoint in load_endpoints() for kind in endpoint.responses.values()),
    ]
    unused = set() if bodies_of else {"function.runtime.body"}
    unused |= set() if any(isinstance(kind, type) for kind in types) else {"msgspec"}
    assert not unused & {*run.stdout.split()}
