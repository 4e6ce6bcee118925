"""Runs `__main__.py` without the Pulumi CLI: the SDK's own runtime, with a Mocks as the engine."""

import asyncio
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, stack as runtime_stack
from pulumi.runtime.settings import set_root_resource

ROOT = Path(__file__).parent.parent


class ProgramError(RuntimeError):
    """Pulumi.yaml or a stack's config cannot be read."""


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProgramError(f"{path.name} is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProgramError(f"{path.name} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise ProgramError(f"{path.name} must be a mapping")
    return content


def project_name() -> str:
    """Return the name in Pulumi.yaml."""
    return str(_load(ROOT / "Pulumi.yaml")["name"])


def stack_config(stack: str) -> dict[str, str]:
    """Return the config of Pulumi.<stack>.yaml as the CLI hands it to a program: as strings."""
    values = _load(ROOT / f"Pulumi.{stack}.yaml").get("config")
    if not isinstance(values, dict):
        raise ProgramError(f"Pulumi.{stack}.yaml must have a mapping 'config'")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in values.items()
    }


def run(
    engine: pulumi.runtime.Mocks,
    *,
    stack: str,
    preview: bool = False,
    config: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run the program against `engine` and return the stack's outputs, secrets in the clear.

    `config` takes the place of Pulumi.<stack>.yaml. In preview an output that is not known yet
    is None.
    """
    outputs: dict[str, Any] = {}

    def entry() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    async def execute() -> None:
        set_root_resource(None)  # type: ignore[arg-type]
        mocks.set_mocks(engine, project=project_name(), stack=stack, preview=preview)
        pulumi.runtime.set_all_config(dict(stack_config(stack) if config is None else config))
        await runtime_stack.run_pulumi_func(entry)
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, runtime_stack.Stack)
        for name, value in root.outputs.items():
            outputs[name] = await pulumi.Output.from_input(value).future()

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(execute())
    finally:
        loop.close()
    return outputs
