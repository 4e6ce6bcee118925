"""What to say of a declaration that cannot be read; only who meets one imports this."""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from function.declare.errors import DeclarationError

_ROOT = Path(__file__).parents[2]

# What Python says to what a reader of the file has to know.
_SAID = (
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
        r"\1; a package is added to function/requirements.in, and installed by: make lock test",
    ),
    (
        r"ImportError: cannot import name '(\w+)' from partially initialized module '([\w.]+)'.*",
        r"'\2' is being imported itself; what both need goes into a third, such as _shared.py",
    ),
    (r"(ImportError: cannot import name '.*' from '[\w.]+') \(.*?\)(.*)", r"\1\2"),
    (r"ValueError: (source code .* null bytes)", r"SyntaxError: \1"),  # of Python before 3.11.4
    (r"SystemExit\b.*", "it ends the program; what imports a module goes on after it"),
)


def explain(error: BaseException) -> str:
    """Return in one line what is wrong, with file and line where Python itself found it; "" for an
    error that no module of `function` has raised."""
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
    if "null bytes" in str(error):  # Python names what imports the file
        own += _null_bytes()
    if not own:
        return ""
    said = " ".join(traceback.format_exception_only(error)[-1].split())
    for pattern, instead in _SAID:
        said = re.sub(f"^{pattern}$", instead, said)
    return f"{own[-1][0]}, line {own[-1][1]}: {said}"


def _null_bytes() -> Iterator[tuple[str, int]]:
    for path in sorted(_ROOT.glob("function/**/*.py")):
        before, null, _ = path.read_bytes().partition(b"\0")
        if null:
            yield path.relative_to(_ROOT).as_posix(), before.count(b"\n") + 1
