"""Records failures of functions in a file beside the emulator's other temporary files."""

import tempfile
from pathlib import Path
from typing import Any


def append(function_arn: str, reason: Any) -> None:
    """Append one line: the function's name, and the reason in at most 1,000 characters."""
    with Path(tempfile.gettempdir(), "failures.log").open("a", encoding="utf-8") as file:
        name, text = function_arn.split(":function:")[-1], " ".join(str(reason).split())
        file.write(f"{name}: {text[:1000]}\n")
