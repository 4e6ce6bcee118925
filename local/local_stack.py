"""Brings a stack up in an emulated account, and gives access to the running stack."""

import importlib
import json
import runpy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from socketserver import BaseServer
from typing import Any, TypeVar

import msgspec
import urllib3

from local import issuer, ministack, pulumi_program, stack_files, xray_daemon
from local.child_process import SupervisedProcess
from local.deployment import Deployer, DeployError, Progress

Found = TypeVar("Found")
Server = TypeVar("Server", bound=BaseServer)

HTTP = urllib3.PoolManager(maxsize=50, retries=False, timeout=60)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP response; `headers` ignores the case of names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=urllib3.HTTPHeaderDict)
    body: str = ""

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


def send(method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Reply:
    """Send a request without its empty headers; a body of another type than str or bytes as JSON.

    Raises urllib3's HTTPError if there is no response.
    """
    if body is not None and not isinstance(body, (bytes, str)):
        headers = {"Content-Type": "application/json", **headers}
        body = msgspec.json.encode(body)
    given = {name: value for name, value in headers.items() if value}
    response = HTTP.request(method, url, body=body, headers=given)
    return Reply(
        status=response.status,
        headers=response.headers,
        body=response.data.decode(errors="replace"),
    )


@dataclass(kw_only=True)
class Account:
    """An emulated AWS account: MiniStack, the traces of its functions, the issuer of its tokens."""

    emulator: ministack.MiniStack
    traces: xray_daemon.XRayDaemon
    issuer: issuer.Issuer


@dataclass(kw_only=True)
class LocalStack(Account):
    """A running stack in its account, and its outputs; `secret` names the secret ones.

    `run` applies the program, as `Deployer.run` explains.
    """

    run: Callable[..., pulumi_program.Outputs]
    outputs: dict[str, Any]
    secret: frozenset[str] = frozenset()

    def call(
        self,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        *,
        method: str = "",
        path: str = "",
        body: Any = None,
    ) -> Reply:
        """Send a request to a path of the API, by default with the stack's key.

        `body` is sent as JSON, or as it is if it is bytes. Without `path`, send the sample of the
        endpoint that `samples.default_sample` chooses. Raises DeployError if there is none.
        """
        # An update has reloaded them.
        from function.declare.registry import load_endpoints
        from openapi import samples

        endpoint = samples.default_sample(load_endpoints())
        sent = {"x-api-key": self.outputs["default_api_key"] if key is None else key}
        if not path:
            if not (endpoint and endpoint.sample):
                raise DeployError(samples.NO_SAMPLE)
            path = samples.path_and_query(endpoint)
            sent |= endpoint.sample.headers
            sent["Content-Type"], body = samples.sent_body(endpoint)
            if key is None and endpoint.auth.name in self.fixed_claims():
                token = self.token(endpoint.auth.name, scope=" ".join(endpoint.scopes))
                sent["Authorization"] = f"Bearer {token}"
        method = method or (endpoint.method if endpoint else "GET")
        return send(method, self.outputs["api_url"] + path, sent | (headers or {}), body)

    def fixed_claims(self) -> dict[str, dict[str, str]]:
        """Return the claims that each Jwt and CognitoPool of the stack requires, by its name."""
        # An update has reloaded them.
        from function.declare.auth import CognitoPool, Jwt
        from function.declare.registry import load_endpoints

        auths = [
            each.auth for each in load_endpoints() if isinstance(each.auth, (CognitoPool, Jwt))
        ]
        if not auths:
            return {}
        function = {"FunctionName": self.outputs["function_name"]}
        found = self.emulator.client("lambda").get_function_configuration(**function)
        settings, url = found["Environment"]["Variables"], self.issuer.url
        return {auth.name: issuer.fixed_claims(auth, url, settings) for auth in auths}

    def token(self, auth: str, /, **claims: Any) -> str:
        """Return a token of the test issuer, as `issuer.token`."""
        known = {"key": self.issuer.key, "claims": self.fixed_claims()}
        return issuer.token(known, auth, **claims)

    def update(self) -> None:
        """Apply the program again after a change of its files.

        If it or the function raises an error, the former resources stay in service.
        """
        with pulumi_program.reloaded_modules():
            importlib.import_module("function.runtime.api_handler")
            self.outputs = self.run().values

    def items(self) -> list[dict[str, Any]]:
        """Return all items of the table that the first sample writes to, in DynamoDB's JSON with
        each Binary in base64."""
        if not self.outputs["table_name"]:
            return []
        scan = self.emulator.client("dynamodb").scan(TableName=self.outputs["table_name"])
        found: list[dict[str, Any]] = msgspec.to_builtins(scan["Items"])
        return found

    def log_lines(self, group: str = "") -> list[dict[str, Any]]:
        """Return the JSON lines of a log group, by default the function's, oldest first."""
        pages = self.emulator.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=group or self.outputs["function_log_group"])
        events = (event for page in found for event in page["events"])
        lines = (line for event in events for line in event["message"].splitlines())
        return list(filter(None, map(json_line, lines)))


def wait_for(read: Callable[[], Found], timeout_s: float) -> Found:
    """Return the first true result of `read`, or its last one after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not (found := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def json_line(text: str) -> dict[str, Any]:
    """Return the JSON object of a log line, or {} for any other line."""
    with suppress(RecursionError, ValueError):  # a function may print anything
        if isinstance(line := json.loads(text), dict):
            return line
    return {}


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run a server in a thread within the block."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextmanager
def emulated_account(
    region: str, *, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Account]:
    """Start an account; on exit, end it with all its resources.

    `environment` adds variables to the emulator's own.
    """
    # As a file: the package around it is imported while the emulator starts.
    interpreter = stack_files.ROOT / "components" / "packaging" / "interpreter.py"
    with (
        SupervisedProcess() as process,
        serving(xray_daemon.XRayDaemon()) as traces,
        serving(issuer.Issuer()) as tokens,
    ):
        own = {
            "AWS_XRAY_DAEMON_ADDRESS": traces.address,
            ministack.ISSUER: tokens.url,
            "EPOCH_WORKER_PYTHON": runpy.run_path(str(interpreter))["local_python"](),
        }
        own |= environment or {}
        emulator = ministack.start(process, region=region, port=port, environment=own)
        yield Account(emulator=emulator, traces=traces, issuer=tokens)


@contextmanager
def up(
    stack: str,
    *,
    port: int | None = None,
    progress: Progress = lambda *_: None,
    config: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[LocalStack]:
    """Bring a stack up in an account of its own, which ends with it.

    `config` overrides Pulumi.<stack>.yaml.
    """
    config = {**stack_files.local_config(stack), **(config or {})}
    region = config.get("aws:region", "us-east-1")
    with emulated_account(region, port=port, environment=environment) as account:
        yield deploy(account, Deployer(account.emulator, progress), stack, config)


def deploy(account: Account, engine: Deployer, stack: str, config: Mapping[str, str]) -> LocalStack:
    """Return a stack that an engine brings up in an account."""
    run = partial(engine.run, stack, config)
    outputs = run()
    return LocalStack(**vars(account), run=run, outputs=outputs.values, secret=outputs.secret)
