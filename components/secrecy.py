"""Config that was set with `--secret` stays secret wherever a resource gets it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi.runtime.config import is_config_secret

from components.config import ConfigError


def keep_secret(values: Mapping[str, str], project: str) -> None:
    """Mark as secret what resources declared from now on are given of the project's secret config.

    `values` are Pulumi's raw `project:key` strings. Raises ConfigError for a secret number or flag,
    which could not be told from any other.
    """
    texts: list[str] = []
    for key, raw in values.items():
        if key.startswith(f"{project}:") and is_config_secret(key):
            texts += filter(None, _texts(key, raw))

    def holds(value: Any) -> bool:
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        return any(text in shown for text in texts)

    def hidden(value: Any) -> Any:
        if isinstance(value, pulumi.Output):
            return value.apply(lambda known: pulumi.Output.secret(known) if holds(known) else known)
        if isinstance(value, Mapping):
            return {name: hidden(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [hidden(item) for item in value]
        return pulumi.Output.secret(value) if isinstance(value, str) and holds(value) else value

    def keep(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        return pulumi.ResourceTransformationResult(props=hidden(args.props), opts=args.opts)

    if texts:
        pulumi.runtime.register_stack_transformation(keep)


def _texts(key: str, raw: str) -> Iterator[str]:
    """Return the texts in a value of config."""
    try:
        value = json.loads(raw)
    except ValueError:
        value = raw
    values = [value]
    while values:
        match values.pop():
            case str() as text:
                yield text
            case dict() as items:
                values += items.values()
            case list() as items:
                values += items
            case _:
                raise ConfigError(
                    f"config value {key} is set with --secret, but only text can be kept; "
                    "set it without"
                )
