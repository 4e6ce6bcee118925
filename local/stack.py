"""Brings a stack up in the emulator, and keeps what a running stack consists of together."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from local import ministack, program, provisioner, xray_daemon
from local.child_process import Leash
from local.resources import compute

# Hears of each resource with the seconds that it took; None: the emulator cannot hold it.
Progress = Callable[[program.Resource, float | None], None]


class DeployError(RuntimeError):
    """A declared resource could not be created."""


class _Made(NamedTuple):
    """A resource that was created, and from what."""

    resource: program.Resource
    fingerprint: str
    created: provisioner.Created


class Deployer:
    """An engine that makes the emulator hold what a program declares, and can take it back.

    It may run the program again, changed: then it updates or replaces what is declared otherwise,
    and deletes, last, what was replaced and what is declared no longer.
    """

    def __init__(self, stack: ministack.MiniStack, region: str, progress: Progress) -> None:
        self._stack = stack
        self._region = region
        self._progress = progress
        self._lock = threading.Lock()
        self._made: dict[str, _Made] = {}  # by URN, in the order of the last run
        self._declared: set[str] = set()
        self._replaced: list[_Made] = []
        self.account = stack.account

    def run(self, stack: str, config: Mapping[str, str]) -> program.Outputs:
        """Run the program and return its outputs.

        Raises DeployError that names the resource where the emulator refuses; what was there
        before then stays.
        """
        self._declared.clear()
        outputs = program.run(self, stack=stack, config=config)
        gone = [made for urn, made in self._made.items() if urn not in self._declared]
        self._made = {urn: self._made[urn] for urn in self._made if urn in self._declared}
        doomed, self._replaced = [*gone, *self._replaced], []
        self._delete(doomed)
        return outputs

    def policy(self, arn: str) -> str:
        """Return the document of a policy, as the deploying role may read it."""
        iam = self._stack.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return json.dumps(found["Document"])

    def create(self, resource: program.Resource) -> tuple[str, dict[str, Any]]:
        """Return a resource's id and outputs, as it was made before or is made now."""
        before, fingerprint = self._made.get(resource.urn), _fingerprint(resource)
        if before and before.fingerprint == fingerprint:
            made = before
        else:
            made = _Made(resource, fingerprint, self._create(resource, before))
        with self._lock:
            self._made.pop(resource.urn, None)
            self._made[resource.urn] = made
            self._declared.add(resource.urn)
            if before and made is not before and resource.kind not in provisioner.IN_PLACE:
                self._replaced.append(before)
        return made.created.id, made.created.outputs

    def _create(self, resource: program.Resource, before: _Made | None) -> provisioner.Created:
        started = time.perf_counter()
        if resource.component:
            self._progress(resource, 0)
            return provisioner.Created(id="", delete=lambda: None)
        if resource.kind in provisioner.NOT_EMULATED:
            self._progress(resource, None)
            return provisioner.Created(id=f"{resource.name}-not-emulated", delete=lambda: None)
        with _named(resource):
            created = provisioner.create(
                self._stack, self._region, resource, before.created if before else None
            )
        self._progress(resource, time.perf_counter() - started)
        return created

    def destroy(self) -> None:
        """Delete all that was created, newest first, even where one deletion fails; raises the
        last DeployError."""
        self._delete([*self._replaced, *self._made.values()])

    @staticmethod
    def _delete(doomed: Sequence[_Made]) -> None:
        with ExitStack() as deletions:
            for made in doomed:
                if not made.resource.retained:
                    deletions.callback(_delete, made)


def _delete(made: _Made) -> None:
    with _named(made.resource):
        made.created.delete()


def _fingerprint(resource: program.Resource) -> str:
    """Return what changes whenever a resource is declared otherwise, files included."""
    return json.dumps(resource.inputs, sort_keys=True, default=compute.stamps)


@contextmanager
def _named(resource: program.Resource) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise DeployError(f"{resource.kind} ({resource.name}): {error}") from error


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """A stack that is up: its outputs, its emulator and the traces of its function.

    `secret` names the outputs that are. `deployer` is the emulator as the one sees it who brought
    the stack up, `run` applies the program.
    """

    run: Callable[[], program.Outputs]
    outputs: dict[str, Any]
    secret: frozenset[str] = frozenset()
    emulator: ministack.MiniStack
    deployer: ministack.MiniStack
    traces: xray_daemon.Collector

    def call(
        self,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        *,
        method: str = "",
        path: str = "",
        body: Any = None,
    ) -> Reply:
        """Send a real request to the API, with the stack's key unless another is given, and with a
        JSON body unless that is None.

        What is not given is as in the first endpoint's that has a sample; raises DeployError where
        none has one, and no path is given.
        """
        # An update has imported them anew.
        from function.declare.registry import (  # pylint: disable=import-outside-toplevel
            load_endpoints,
        )
        from openapi import samples  # pylint: disable=import-outside-toplevel

        shown = samples.first(load_endpoints())
        sent = {"x-api-key": self.outputs["default_api_key"] if key is None else key}
        if not path:
            if not (shown and shown.sample):
                raise DeployError(samples.NONE)
            path = samples.target(shown)
            sent |= shown.sample.headers
            if body is None and method in {"", shown.method}:
                body = shown.sample.body
        sent |= headers or {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.outputs["api_url"] + path,
            method=method or (shown.method if shown else "GET"),
            data=None if body is None else msgspec.json.encode(body),
            headers={name: value for name, value in sent.items() if value},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Reply(
                    status=answer.status,
                    headers=dict(answer.headers),
                    body=answer.read().decode(),
                )
        except urllib.error.HTTPError as answer:
            with answer:
                return Reply(
                    status=answer.code, headers=dict(answer.headers), body=answer.read().decode()
                )

    def update(self) -> None:
        """Apply the program as it now stands in its files.

        Raises what it raises; what was there before then serves on.
        """
        with program.modules_anew():
            outputs = self.run()
        self.outputs.update(outputs.values)  # never without one: others read them meanwhile
        for gone in self.outputs.keys() - outputs.values.keys():
            del self.outputs[gone]

    def items(self) -> list[dict[str, Any]]:
        """Return every item in the table that the first sample writes to, in DynamoDB's JSON."""
        if not self.outputs["table_name"]:
            return []
        scan = self.emulator.client("dynamodb").scan(TableName=self.outputs["table_name"])
        return list(scan["Items"])

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


# Workers write at the same time, so a line may come this much after a younger one.
_LATE_MS = 2_000


class LogTail:
    """Reads a function's log from where it last stopped."""

    def __init__(self, stack: LocalStack, group: str) -> None:
        pages = stack.emulator.client("logs").get_paginator("filter_log_events")
        self._pages = partial(pages.paginate, logGroupName=group)
        self._since = 0
        self._seen: set[tuple[int, str, str]] = set()

    def read(self) -> list[dict[str, Any]]:
        """Return the JSON lines that are new, oldest first."""
        # MiniStack gives events no id; no two lines of a stream are the same, as requests have ids.
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
            with suppress(ValueError):  # something else that a function has printed
                read += [json.loads(line)] if line.startswith("{") else []
        return read


@dataclass(frozen=True, kw_only=True)
class Account:
    """An emulated AWS account with a region: MiniStack, and the traces that functions send."""

    emulator: ministack.MiniStack
    traces: xray_daemon.Collector
    region: str


def _bundle() -> ModuleType:
    """Import the bundle, and with it the AWS provider's SDK, which takes as long as a start of
    the emulator."""
    from components.packaging import archive  # pylint: disable=import-outside-toplevel

    return archive


@contextmanager
def account(
    region: str, *, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Account]:
    """Start an account, and end it with all that is in it on leaving.

    `environment` is the emulator's own, beside what every one has.
    """
    with Leash() as leash, xray_daemon.collecting() as collector:
        emulator = ministack.start(
            leash,
            region=region,
            port=port,
            environment={"AWS_XRAY_DAEMON_ADDRESS": collector.address, **(environment or {})},
            meanwhile=_bundle,
        )
        yield Account(emulator=emulator, traces=collector, region=region)


def _config(stack: str, over: Mapping[str, str] | None) -> dict[str, str]:
    own = program.local_config(stack) if over is None or stack in program.stacks() else {}
    return {**own, **(over or {})}


@contextmanager
def up(
    stack: str,
    *,
    port: int | None = None,
    progress: Progress = lambda *_: None,
    config: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[LocalStack]:
    """Bring the stack up in an account of its own, which ends with it.

    `config` is laid over Pulumi.<stack>.yaml, and is all there is where that is missing.
    """
    config = _config(stack, config)
    region = config.get("aws:region", "us-east-1")
    with account(region, port=port, environment=environment) as own:
        engine = Deployer(own.emulator, own.region, progress)
        yield _run(engine, stack, config, own, own.emulator)


@contextmanager
def up_in(
    shared: Account,
    stack: str,
    *,
    deployer: ministack.MiniStack | None = None,
    config: Mapping[str, str] | None = None,
) -> Iterator[LocalStack]:
    """Bring the stack up beside others, as root or as `deployer`, and delete it on leaving."""
    config = _config(stack, config)
    deployer = deployer or shared.emulator
    engine = Deployer(deployer, shared.region, lambda *_: None)
    try:
        yield _run(engine, stack, config, shared, deployer)
    finally:
        engine.destroy()


def _run(
    engine: Deployer,
    stack: str,
    config: Mapping[str, str],
    where: Account,
    deployer: ministack.MiniStack,
) -> LocalStack:
    run = partial(engine.run, stack, config)
    outputs = run()
    return LocalStack(
        run=run,
        outputs=outputs.values,
        secret=outputs.secret,
        emulator=where.emulator,
        deployer=deployer,
        traces=where.traces,
    )
