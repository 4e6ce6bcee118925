"""Explains a declaration that cannot be loaded. Only code that catches such an error loads it."""

import traceback
from pathlib import Path

from function.declare.errors import DeclarationError

_ROOT = Path(__file__).parents[2]


def explain(error: BaseException) -> str:
    """Return the error in one line, with the file and line that Python names.

    Returns "" for an error that no module of `function` raised.
    """
    if isinstance(error, DeclarationError):
        return str(error)
    places = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    own = [
        (Path(name).relative_to(_ROOT).as_posix(), line)
        for name, line in places
        if Path(name).is_relative_to(_ROOT / "function")
    ]
    if not own:
        return ""
    message = " ".join(traceback.format_exception_only(error)[-1].split())
    if isinstance(error, ImportError):
        message = message.replace(f" ({error.path})", "")
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("function"):
        message += "; add the package to function/requirements.in, then run: make lock test"
    return f"{own[-1][0]}, line {own[-1][1]}: {message}"
