"""How the commands of this package end: in silence, or with one line on stderr for each problem."""

import os
import sys
from collections.abc import Callable, Iterable


def run(command: Callable[[], Iterable[str]]) -> int:
    """Return the exit status of a command that returns what is wrong, a line each.

    An exception is one line, too; EPOCH_TRACEBACK shows where it comes from.
    """
    try:
        wrong = list(command())
    except Exception as error:  # pylint: disable=broad-exception-caught
        if os.environ.get("EPOCH_TRACEBACK"):
            raise
        wrong = [f"error: {error}"]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0
