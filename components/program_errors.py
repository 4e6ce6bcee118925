"""How the program ends where a declaration is wrong: with one line, not a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from function.declare import diagnostics


@contextmanager
def as_run_error() -> Iterator[None]:
    """Raise what is wrong as a RunError, the one exception whose message Pulumi shows alone."""
    try:
        yield
    except (Exception, SystemExit) as error:  # pylint: disable=broad-exception-caught
        # A module of declarations may raise whatever Python has, and end the program.
        if isinstance(error, pulumi.RunError) or not (told := diagnostics.explain(error)):
            raise
        raise pulumi.RunError(told) from error
