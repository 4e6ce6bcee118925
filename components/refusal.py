"""How the program ends where a declaration is wrong: with one line, not a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from function.contract import DeclarationError


@contextmanager
def refusing() -> Iterator[None]:
    """Raise what is wrong as a RunError, the one exception whose message Pulumi shows alone."""
    try:
        yield
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from error
