"""Secret config values stay secret in the properties of resources."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pulumi

from components.transforms import transform_resources


def mark_secret_config(values: Mapping[str, str], project: str, secret: Collection[str]) -> None:
    """Mark each property of later resources that contains a secret config value as secret.

    `values` are Pulumi's raw `project:key` strings, and `secret` names the secret keys. A property
    that contains the same text by chance becomes secret, too.
    """
    texts = {
        form
        for key, raw in values.items()
        if key.startswith(f"{project}:") and key in secret
        for text in _texts(raw)
        for form in (text, json.dumps(text)[1:-1])  # as in a JSON document
    }

    def holds(value: Any) -> bool:
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        return any(text in shown for text in texts)

    def hidden(value: Any) -> Any:
        if isinstance(value, pulumi.Output):
            return value.apply(lambda known: pulumi.Output.secret(known) if holds(known) else known)
        if hasattr(value, "_pulumi_input_type"):
            return hidden(vars(value))
        if isinstance(value, Mapping):
            return {name: hidden(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [hidden(item) for item in value]
        if isinstance(value, str):
            return pulumi.Output.secret(value) if holds(value) else value
        return pulumi.Output.secret(value) if json.dumps(value, default=str) in texts else value

    if texts:
        transform_resources(lambda _kind, _name, props: hidden(props))


def _texts(raw: str) -> Iterator[str]:
    """Return the parts of a config value as texts."""
    try:
        values = [json.loads(raw)]
    except ValueError:
        values = [raw]
    while values:
        value = values.pop()
        if isinstance(value, (dict, list)):
            values += value.values() if isinstance(value, dict) else value
        elif value not in {"", None}:
            yield value if isinstance(value, str) else json.dumps(value)
