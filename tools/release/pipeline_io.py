"""Reads a stack's outputs and writes the job summary, for the commands of the pipeline."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class CommandError(RuntimeError):
    """An error message for the person at the terminal."""


def read_json(path: Path, expected: str, advice: str) -> Any:
    """Return the content of a JSON file; raise CommandError for any other file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is not {expected} ({error}); {advice}") from None


def read_outputs(path: Path) -> dict[str, Any]:
    """Return a stack's outputs; raise CommandError for an invalid file."""
    advice = (
        "write it with `pulumi stack output --json --show-secrets > FILE`, or start `make local`, "
        "which keeps .local/outputs.json"
    )
    outputs = read_json(path, "a stack's outputs", advice)
    if not isinstance(outputs, dict):
        raise CommandError(f"{path} is not a stack's outputs (no JSON object); {advice}")
    return outputs


def text(outputs: Mapping[str, Any], name: str) -> str:
    """Return a text output; raise CommandError if it is missing or hidden."""
    value = outputs.get(name)
    if not isinstance(value, str) or value in {"", "[secret]"}:
        raise CommandError(
            f"the outputs have no value for {name}; was the stack deployed, and the file written "
            "with --show-secrets?"
        )
    return value


def summarize(markdown: str) -> None:
    """Append to GitHub's job summary; do nothing elsewhere."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(path, "a", encoding="utf-8") as summary:
            summary.write(markdown + "\n\n")
