"""Reads Pulumi.yaml and Pulumi.<stack>.yaml as the Pulumi CLI does."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Content = TypeVar("Content")

ROOT = Path(__file__).parent.parent


class StackFileError(RuntimeError):
    """A file of the project's or a stack's config is missing or invalid."""


class Secret(str):
    """A secret value of a stack's config."""


class _PulumiFile(msgspec.Struct):
    name: str = ""
    config: dict[str, Any] = {}


def _load(path: Path, kind: type[Content]) -> Content:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise StackFileError(f"{path.name} is missing") from None
    except msgspec.DecodeError as error:
        raise StackFileError(f"{path.name} is not valid: {' '.join(str(error).split())}") from None


def project_name(folder: Path = ROOT) -> str:
    """Return the project's name from Pulumi.yaml."""
    return _load(folder / "Pulumi.yaml", _PulumiFile).name


def stacks(folder: Path = ROOT) -> list[str]:
    """Return the names of all stacks that have a Pulumi.<stack>.yaml."""
    files = sorted(folder.glob("Pulumi.*.yaml"))
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files]


def default_stack(folder: Path = ROOT) -> str:
    """Return the default stack: dev, or the first one in alphabetical order.

    Raises StackFileError if the project has no stack.
    """
    if not (known := stacks(folder)):
        raise StackFileError(
            "the project has no stack: create a Pulumi.<stack>.yaml, for example Pulumi.dev.yaml"
        )
    return "dev" if "dev" in known else known[0]


def stack_config(stack: str, folder: Path = ROOT) -> dict[str, str]:
    """Return a stack's config as the CLI passes it to a program: strings by `namespace:key`.

    Pulumi.<stack>.yaml overrides Pulumi.yaml. Only the CLI can decrypt a `secure:` value, so a
    Secret placeholder replaces it.
    """
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        known = ", ".join(stacks(folder))
        raise StackFileError(f"{file.name} is missing: stack {stack} does not exist, only {known}")
    shared = _full_keys(_load(folder / "Pulumi.yaml", _PulumiFile).config, folder)
    values = {
        key: value.get("value", value.get("default")) if isinstance(value, dict) else value
        for key, value in shared.items()
    }
    values |= _full_keys(_load(file, _PulumiFile).config, folder)
    return {key: _as_text(value) for key, value in values.items() if value is not None}


def _full_keys(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return values by full key; a key without a namespace belongs to the project."""
    project = project_name(folder)
    return {key if ":" in key else f"{project}:{key}": value for key, value in values.items()}


def local_config(stack: str, folder: Path = ROOT) -> dict[str, str]:
    """Return a stack's config with the secrets of secrets.<stack>.yaml, which git ignores.

    Raises StackFileError for a missing secret. EPOCH_SECRETS=stand-in, which tests and CI set,
    accepts placeholders instead, also for a declared secret without a line in the stack's file.
    """
    # An update has reloaded it.
    from function.declare.registry import load_settings

    stand_in = os.environ.get("EPOCH_SECRETS") == "stand-in"
    config, file = stack_config(stack, folder), folder / f"secrets.{stack}.yaml"
    given = _full_keys(_load(file, dict[str, Any]), folder) if file.exists() else {}
    secrets = {key: Secret(_as_text(value)) for key, value in given.items()}
    for key, value in config.items():
        missing = isinstance(value, Secret) and key not in secrets
        if missing and not stand_in:
            raise StackFileError(
                f"{key} is encrypted in Pulumi.{stack}.yaml: add a value for this machine to "
                f"{file.name}, which git ignores, as a line `{key.partition(':')[2]}: …`"
            )
    declared = load_settings().values() if stand_in else ()
    absent = {
        f"{project_name(folder)}:{one.name}": Secret("stand-in") for one in declared if one.secret
    }
    return absent | config | secrets


def _as_text(value: Any) -> str:
    if _is_encrypted(value):
        return Secret("encrypted")
    return value if isinstance(value, str) else json.dumps(value)


def _is_encrypted(value: Any) -> bool:
    """Return True if a value holds a `secure:` value at any depth."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))
