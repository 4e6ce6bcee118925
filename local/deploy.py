"""Brings a stack up in the emulator, and keeps what a running stack consists of together."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from components import bundle
from local import ministack, program, traces, translate

Progress = Callable[[program.Resource, float], None]


class DeployError(RuntimeError):
    """A declared resource could not be created."""


class Emulated:
    """An engine that creates each declared resource in the emulator."""

    def __init__(self, stack: ministack.MiniStack, region: str, progress: Progress) -> None:
        self._stack = stack
        self._region = region
        self._progress = progress

    def create(self, resource: program.Resource) -> tuple[str, dict[str, Any]]:
        """Create one resource; raises DeployError that names it where the emulator refuses."""
        if resource.component:
            self._progress(resource, 0)
            return "", {}
        started = time.perf_counter()
        try:
            created = translate.create(self._stack, self._region, resource)
        except (ClientError, BotoCoreError) as error:
            raise DeployError(f"{resource.kind} ({resource.name}): {error}") from error
        self._progress(resource, time.perf_counter() - started)
        return created


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
    """A stack that is up: its outputs, its emulator and the traces of its function."""

    outputs: dict[str, Any]
    emulator: ministack.MiniStack
    traces: traces.Collector

    def call(
        self,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        *,
        method: str = "POST",
        path: str = "/epoch",
    ) -> Reply:
        """Send a real request to the API, with the stack's key unless another is given."""
        sent = {"x-api-key": self.outputs["api_key"] if key is None else key, **(headers or {})}
        request = urllib.request.Request(
            self.outputs["endpoint"].removesuffix("/epoch") + path,
            method=method,
            headers={name: value for name, value in sent.items() if value},
        )
        try:
            with urllib.request.urlopen(request, timeout=35) as answer:
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

    def reload(self) -> None:
        """Publish the function's present sources behind its aliases."""
        client = self.emulator.client("lambda")
        name = self.outputs["function_name"]
        version = client.update_function_code(
            FunctionName=name, ZipFile=translate.zip_bytes(bundle.archive()), Publish=True
        )["Version"]
        for alias in client.list_aliases(FunctionName=name)["Aliases"]:
            client.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)

    def items(self) -> list[dict[str, Any]]:
        """Return every stored item, in DynamoDB's JSON."""
        scan = self.emulator.client("dynamodb").scan(TableName=self.outputs["table_name"])
        return list(scan["Items"])

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the function's request lines, oldest first."""
        events = self.emulator.client("logs").filter_log_events(
            logGroupName=self.outputs["log_group"]
        )["events"]
        lines = (line for event in events for line in event["message"].splitlines())
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def up(
    stack: str,
    *,
    port: int | None = None,
    progress: Progress = lambda *_: None,
    config: Mapping[str, str] | None = None,
) -> Iterator[LocalStack]:
    """Bring the stack up, and take everything down on leaving.

    `config` is laid over Pulumi.<stack>.yaml.
    """
    config = {**program.stack_config(stack), **(config or {})}
    region = config.get("aws:region", "us-east-1")
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(TemporaryDirectory(prefix="epoch-")))
        collector = cleanup.enter_context(traces.collecting())
        emulator = cleanup.enter_context(
            ministack.running(
                folder=folder,
                region=region,
                port=port,
                environment={"AWS_XRAY_DAEMON_ADDRESS": collector.address},
            )
        )
        engine = Emulated(emulator, region, progress)
        outputs = program.run(engine, stack=stack, config=config)
        yield LocalStack(outputs=outputs.values, emulator=emulator, traces=collector)
