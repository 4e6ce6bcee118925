"""Records failures in a file beside the emulator's other temporary files, for the local run."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any


def write(text: str) -> None:
    """Append a line of at most 1,000 characters."""
    line = " ".join(text.split())[:1000]
    # A full disk already fails the call that is to be reported.
    with (
        suppress(OSError),
        Path(tempfile.gettempdir(), "failures.log").open("a", encoding="utf-8") as file,
    ):
        file.write(f"{line}\n")


def append(function_arn: str, reason: Any) -> None:
    """Append the failure of a function."""
    write(f"the function failed: {function_arn.rsplit(':function:', maxsplit=1)[-1]}: {reason}")
