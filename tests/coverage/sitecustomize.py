"""Measures coverage in each Python process of `make coverage`, which puts this folder on its path.

The emulator inherits no other variable than such paths. It ends by a signal, just after a fork.
"""

import os
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):  # another environment, for example that of the scanners
    from coverage import process_startup

    _ROOT = Path(__file__).parents[2]
    os.environ["COVERAGE_PROCESS_START"] = str(_ROOT / "pyproject.toml")
    os.environ["COVERAGE_FOLDER"] = str(_ROOT / ".build" / "coverage")
    measured = process_startup()
    if measured:
        os.register_at_fork(before=measured.save)
