"""Runs the commands of this package: each error is one line on stderr."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence


def run(command: Callable[..., Iterable[str]], arguments: Sequence[str] = ()) -> int:
    """Return the exit status of a command that takes texts and returns its error lines.

    An exception is an error line too; EPOCH_TRACEBACK=1 shows its traceback.
    """
    try:
        errors = list(command(*arguments))
    except Exception as error:
        if os.environ.get("EPOCH_TRACEBACK"):
            raise
        errors = [f"error: {error}"]
    for line in errors:
        print(line, file=sys.stderr)
    return 1 if errors else 0
