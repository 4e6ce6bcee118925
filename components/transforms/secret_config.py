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
        for key in secret
        if key.startswith(f"{project}:")
        for text in _texts(values[key])
        for form in (text, json.dumps(text)[1:-1])  # as in a JSON document
    }

    def marked(known: Any) -> Any:
        shown = known if isinstance(known, str) else json.dumps(known, default=vars)
        return pulumi.Output.secret(known) if any(text in shown for text in texts) else known

    def hidden(_kind: str, _name: str, props: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in props.items() if value is not None}
        return props | {n: pulumi.Output.from_input(v).apply(marked) for n, v in given.items()}

    if texts:
        transform_resources(hidden)


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
