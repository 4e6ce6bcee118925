"""Errors that end the program with one line instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from function.declare import diagnostics


class ConfigError(pulumi.RunError):
    """A config value or a declaration that the stack cannot use; the message has the rule."""


@contextmanager
def as_run_error() -> Iterator[None]:
    """Raise any error as a RunError, the exception whose message Pulumi prints alone."""
    try:
        yield
    except (Exception, SystemExit) as error:
        # A module of declarations may raise any exception, and even exit.
        if isinstance(error, pulumi.RunError) or not (told := diagnostics.explain(error)):
            raise
        raise pulumi.RunError(told) from error
