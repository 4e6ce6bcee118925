"""Brings a stack up in an emulated account, and gives access to the running stack."""

import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import urllib3

from local import ministack, pulumi_program, stack_files, xray_daemon
from local.child_process import SupervisedProcess
from local.deployment import DeployError, Deployer, Progress

HTTP = urllib3.PoolManager(maxsize=50, retries=False, timeout=60)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An emulated AWS account with a region: MiniStack and the traces of its functions."""

    emulator: ministack.MiniStack
    traces: xray_daemon.XRayDaemon
    region: str


@dataclass(frozen=True, kw_only=True)
class LocalStack(Account):
    """A running stack in its account, and its outputs; `secret` names the secret ones.

    `deployer` is the emulator with the deploying role's credentials; `run` applies the program, as
    `Deployer.run` explains.
    """

    run: Callable[..., pulumi_program.Outputs]
    outputs: dict[str, Any]
    secret: frozenset[str] = frozenset()
    deployer: ministack.MiniStack

    def call(
        self,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        *,
        method: str = "",
        path: str = "",
        body: Any = None,
    ) -> Reply:
        """Send a request to the API, by default with the stack's key and without a body.

        `body` is sent as JSON, or as it is if it is bytes.
        The first endpoint with a sample provides the other defaults. Raises DeployError if no
        endpoint has one and `path` is missing.
        """
        # An update has reloaded them.
        from function.declare.registry import (  # pylint: disable=import-outside-toplevel
            load_endpoints,
        )
        from openapi import samples  # pylint: disable=import-outside-toplevel

        endpoint = samples.default_sample(load_endpoints())
        sent = {"x-api-key": self.outputs["default_api_key"] if key is None else key}
        if not path:
            if not (endpoint and endpoint.sample):
                raise DeployError(samples.NO_SAMPLE)
            path = samples.path_and_query(endpoint)
            sent |= endpoint.sample.headers
            if body is None and method in {"", endpoint.method}:
                sent["Content-Type"], body = samples.sent_body(endpoint)
        if body is not None and not isinstance(body, bytes):
            sent["Content-Type"], body = "application/json", msgspec.json.encode(body)
        sent |= headers or {}
        response = HTTP.request(
            method or (endpoint.method if endpoint else "GET"),
            self.outputs["api_url"] + path,
            body=body,
            headers={name: value for name, value in sent.items() if value},
        )
        return Reply(
            status=response.status,
            headers=dict(response.headers),
            body=response.data.decode(errors="replace"),
        )

    def update(self, confirm: Callable[[], None] = lambda: None) -> None:
        """Apply the program again after a change of its files.

        If it or `confirm` raises an error, the former resources stay in service.
        """
        with pulumi_program.reloaded_modules():
            outputs = self.run(confirm=confirm)
        self.outputs.update(outputs.values)  # other threads read it: no output is ever missing
        for gone in self.outputs.keys() - outputs.values.keys():
            del self.outputs[gone]

    def items(self) -> list[dict[str, Any]]:
        """Return all items of the table that the first sample writes to, as `json_items`."""
        if not self.outputs["table_name"]:
            return []
        scan = self.emulator.client("dynamodb").scan(TableName=self.outputs["table_name"])
        return json_items(scan["Items"])

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of the function's log, oldest first."""
        return LogTail(self, self.outputs["function_log_group"]).read()

    def log_groups(self) -> list[str]:
        """Return the names of the log groups of the function and the jobs."""
        client = self.emulator.client("lambda")
        names = self.outputs["job_functions"].values()
        found = [client.get_function_configuration(FunctionName=name) for name in names]
        return [
            self.outputs["function_log_group"],
            *(function["LoggingConfig"]["LogGroup"] for function in found),
        ]


def json_items(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items in DynamoDB's JSON, with each Binary in base64 at any depth."""
    encoded: list[dict[str, Any]] = msgspec.to_builtins(items)
    return encoded


# Workers write concurrently: a line may arrive this much after a younger one.
_LATE_MS = 2_000


class LogTail:
    """Reads a function's log from its last position on."""

    def __init__(self, stack: LocalStack, group: str) -> None:
        pages = stack.emulator.client("logs").get_paginator("filter_log_events")
        self._pages = partial(pages.paginate, logGroupName=group)
        self._since = 0
        self._seen: set[tuple[int, str, str]] = set()

    def read(self) -> list[dict[str, Any]]:
        """Return the new JSON lines, oldest first."""
        # MiniStack's events have no id; request ids make the lines of a stream unique.
        found = {
            (event["timestamp"], event["logStreamName"], event["message"]): event["message"]
            for page in self._pages(startTime=self._since)
            for event in page["events"]
        }
        new = [message for identity, message in found.items() if identity not in self._seen]
        newest = max((timestamp for timestamp, _, _ in found), default=0)
        self._since = max(self._since, newest - _LATE_MS)
        self._seen = {identity for identity in found if identity[0] >= self._since}
        read: list[dict[str, Any]] = []
        for line in (line for message in new for line in message.splitlines()):
            with suppress(RecursionError, ValueError):  # a function may print anything
                read += [json.loads(line)] if line.startswith("{") else []
        return read


@contextmanager
def emulated_account(
    region: str, *, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Account]:
    """Start an account; on exit, end it with all its resources.

    `environment` adds variables to the emulator's own.
    """
    # As a file: the package around it is imported while the emulator starts.
    interpreter = stack_files.ROOT / "components" / "packaging" / "interpreter.py"
    with SupervisedProcess() as process, xray_daemon.running() as traces:
        own = {
            "AWS_XRAY_DAEMON_ADDRESS": traces.address,
            "EPOCH_WORKER_PYTHON": runpy.run_path(str(interpreter))["local_python"](),
        }
        emulator = ministack.start(
            process,
            region=region,
            port=port,
            environment={**own, **(environment or {})},
        )
        yield Account(emulator=emulator, traces=traces, region=region)


def _config(stack: str, over: Mapping[str, str] | None) -> dict[str, str]:
    known = over is None or stack in stack_files.stacks()
    return {**(stack_files.local_config(stack) if known else {}), **(over or {})}


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

    `config` overrides Pulumi.<stack>.yaml, and replaces it if that file is missing.
    """
    config = _config(stack, config)
    region = config.get("aws:region", "us-east-1")
    with emulated_account(region, port=port, environment=environment) as account:
        engine = Deployer(account.emulator, region, progress)
        yield _deploy(engine, stack, config, account, account.emulator)


@contextmanager
def up_in_account(
    account: Account,
    stack: str,
    *,
    deployer: ministack.MiniStack | None = None,
    config: Mapping[str, str] | None = None,
) -> Iterator[LocalStack]:
    """Bring a stack up beside others, as root or as `deployer`; delete it on exit."""
    deployer = deployer or account.emulator
    engine = Deployer(deployer, account.region, lambda *_: None)
    try:
        yield _deploy(engine, stack, _config(stack, config), account, deployer)
    finally:
        engine.destroy()


def _deploy(
    engine: Deployer,
    stack: str,
    config: Mapping[str, str],
    account: Account,
    deployer: ministack.MiniStack,
) -> LocalStack:
    run = partial(engine.run, stack, config)
    outputs = run()
    return LocalStack(
        **vars(account),
        run=run,
        outputs=outputs.values,
        secret=outputs.secret,
        deployer=deployer,
    )
