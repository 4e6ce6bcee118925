"""Drives a copy of the project through the Pulumi CLI."""

import json
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation
from pulumi.automation._stack import StackInitMode

from local import stack_files
from local.stack_files import Secret


@dataclass(frozen=True, kw_only=True)
class Run:
    """The engine's steps in order as (operation, type, name), its output, and its seconds.

    `ended` maps each step to the number of steps that had begun when it ended.
    """

    began: list[tuple[str, str, str]] = field(default_factory=list)
    ended: dict[tuple[str, str, str], int] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def text(self) -> str:
        """The printed text."""
        return "\n".join(self.printed)

    def of(self, *operations: str) -> set[tuple[str, str]]:
        """Return type and name of the AWS resources with one of these operations."""
        return {step[1:] for step in self.changes if step[0] in operations}

    def follows(self, first: str, then: str) -> bool:
        """Return True if all steps on one type ended before the first on another began."""
        ends = [at for step, at in self.ended.items() if step[1] == first and step[0] != "same"]
        begins = [at for at, step in enumerate(self.began) if step[1] == then and step[0] != "same"]
        return not ends or not begins or max(ends) <= min(begins)

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """The steps other than `same` on AWS resources."""
        return [step for step in self.began if step[0] != "same" and step[1].startswith("aws:")]


class _Stack(automation.Stack):
    """A stack whose operations do not read its outputs and history: three more runs of the CLI."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> Any:  # noqa: ARG002
        return self  # the operations want any value


class Stack:
    """A stack of the program in a folder, with a state of its own.

    `serves`, if given, checks the result of each `up`; it gets the folder and the stack's outputs.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        environment: dict[str, str],
        serves: Callable[[Path, Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.folder = folder
        self.name = name
        self._serves = serves
        secrets = self._remove_encrypted()
        self._workspace = automation.LocalWorkspace(
            work_dir=str(folder), program=self._program, env_vars=dict(environment)
        )
        self._stack = _Stack(name, self._workspace, StackInitMode.CREATE_OR_SELECT)
        for key, value in secrets.items():
            self.command("config", "set", "--secret", key, value)

    def _remove_encrypted(self) -> dict[str, str]:
        """Remove encrypted values from the stack's file; return placeholders for its secrets."""
        path, config = self.folder / f"Pulumi.{self.name}.yaml", self.config
        secrets = {key: str(value) for key, value in config.items() if isinstance(value, Secret)}
        if secrets or yaml.safe_load(path.read_text(encoding="utf-8")).keys() - {"config"}:
            open_ = {key: value for key, value in config.items() if key not in secrets}
            path.write_text(yaml.safe_dump({"config": open_}), encoding="utf-8")
        return secrets

    def _program(self) -> None:
        # Each run reloads the program's modules, as a new process would.
        own = {"bootstrap", "components", "customize", "function", "infrastructure", "openapi"}
        for module in list(sys.modules):
            if module.partition(".")[0] in own:
                del sys.modules[module]
        path = list(sys.path)
        try:
            runpy.run_path(str(self.folder))
        finally:
            sys.path[:] = path

    def _run(self, operation: Callable[..., Any], *, fails: bool = False, **options: Any) -> Run:
        """Run a command; raise automation's CommandError for an unexpected failure, and
        AssertionError for an unexpected success."""
        began: list[tuple[str, str, str]] = []
        ended: dict[tuple[str, str, str], int] = {}
        printed: list[str] = []

        def on_event(event: automation.EngineEvent) -> None:
            if pre := event.resource_pre_event:
                began.append(_step(pre.metadata))
            elif post := event.res_outputs_event:
                ended[_step(post.metadata)] = len(began)

        started = time.monotonic()
        try:
            operation(
                on_event=on_event,
                on_output=printed.append,
                on_error=printed.append,
                color="never",
                **options,
            )
        except automation.CommandError:
            if not fails:
                raise
        else:
            assert not fails, "the command should have failed"
        seconds = time.monotonic() - started
        return Run(began=began, ended=ended, printed=printed, seconds=seconds)

    def preview(self, **options: Any) -> Run:
        """`pulumi preview`."""
        return self._run(self._stack.preview, **options)

    def up(self, **options: Any) -> Run:
        """`pulumi up`; after a success, `serves` checks the result."""
        run = self._run(self._stack.up, **options)
        if self._serves and not options.get("fails"):
            outputs = self.command("stack", "output", "--json", "--show-secrets")
            self._serves(self.folder, json.loads(outputs))
        return run

    def refresh(self, **options: Any) -> Run:
        """`pulumi refresh`."""
        return self._run(self._stack.refresh, **options)

    def destroy(self, **options: Any) -> Run:
        """`pulumi destroy`."""
        return self._run(self._stack.destroy, **options)

    def state(self) -> list[dict[str, Any]]:
        """Return the resources in the state, with secrets in the clear."""
        return list((self._stack.export_stack().deployment or {}).get("resources", []))

    def command(self, *arguments: str) -> str:
        """Run another command of the CLI on this stack; return its output."""
        command = [*arguments, "--stack", self.name]
        run = self._workspace.pulumi_command.run
        return str(run(command, str(self.folder), self._workspace.env_vars).stdout)

    def export(self) -> automation.Deployment:
        """`pulumi stack export`."""
        return self._stack.export_stack()

    def replace(self, state: automation.Deployment) -> None:
        """`pulumi stack import`."""
        self._stack.import_stack(state)

    @property
    def config(self) -> dict[str, str]:
        """The config in the stack's file."""
        return stack_files.stack_config(self.name, self.folder)

    def set(self, **values: str | None) -> None:
        """Write config to the stack's file; None removes a key."""
        configure(self.folder, self.name, **values)


def configure(folder: Path, stack: str, **values: str | None) -> None:
    """Write config to a stack's file; None removes a key."""
    path = folder / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in values.items():
        full = f"{stack_files.project_name(folder)}:{key}"
        for given in (key, full):
            content["config"].pop(given, None)
        if value is not None:
            content["config"][full] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _step(metadata: Any) -> tuple[str, str, str]:
    return str(metadata.op.value), metadata.type, metadata.urn.rpartition("::")[2]


def state_in(folder: Path) -> dict[str, str]:
    """Return the environment variables that make the CLI keep its state in a folder."""
    return {
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PULUMI_DIY_BACKEND_ZSTD": "true",  # as in .github/actions/setup
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase",  # pragma: allowlist secret
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
