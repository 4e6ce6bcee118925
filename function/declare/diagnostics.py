"""Explains a declaration that cannot be loaded. Only code that catches such an error loads it."""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from function.declare.errors import DeclarationError

_ROOT = Path(__file__).parents[2]

# Python's messages, and their replacements for the author of the file.
_REWRITES = (
    (
        r"TypeError: (\w+)\.__new__\(\) missing \d+ required positional arguments?: (.*)",
        r"\1 lacks \2",
    ),
    (
        r"TypeError: (\w+)\.__new__\(\) got an unexpected keyword argument '(\w+)'.*",
        r"\1 has no field '\2'",
    ),
    (
        r"(ModuleNotFoundError: No module named '(?!function\b).*')",
        r"\1; add the package to function/requirements.in, then run: make lock test",
    ),
    (
        r"ImportError: cannot import name '(\w+)' from partially initialized module '([\w.]+)'.*",
        r"'\2' is part of an import cycle; move the shared code to a third module, like _shared.py",
    ),
    (r"(ImportError: cannot import name '.*' from '[\w.]+') \(.*?\)(.*)", r"\1\2"),
    (r"ValueError: (source code .* null bytes)", r"SyntaxError: \1"),  # of Python before 3.11.4
    (r"SystemExit\b.*", "the import of the module ends the program; remove the exit"),
)


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
    if "null bytes" in str(error):  # Python names the importing file only
        own += _null_bytes()
    if not own:
        return ""
    message = " ".join(traceback.format_exception_only(error)[-1].split())
    for pattern, replacement in _REWRITES:
        message = re.sub(f"^{pattern}$", replacement, message)
    return f"{own[-1][0]}, line {own[-1][1]}: {message}"


def _null_bytes() -> Iterator[tuple[str, int]]:
    for path in sorted(_ROOT.glob("function/**/*.py")):
        before, null, _ = path.read_bytes().partition(b"\0")
        if null:
            yield path.relative_to(_ROOT).as_posix(), before.count(b"\n") + 1
