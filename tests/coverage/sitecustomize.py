"""Measures coverage in each Python process of `make coverage`, which puts this folder on its path.

The emulator inherits no other variable than such paths. It ends by a signal, so a thread saves its
data meanwhile.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):  # another environment, for example that of the scanners
    from coverage import Coverage, process_startup

    _ROOT = Path(__file__).parents[2]
    os.environ["COVERAGE_PROCESS_START"] = str(_ROOT / "pyproject.toml")
    os.environ["COVERAGE_FOLDER"] = str(_ROOT / ".build" / "coverage")
    process_startup()
    measured = Coverage.current()

    def _save() -> None:
        while measured:
            time.sleep(0.5)
            measured.save()

    if "local.child_process" in sys.orig_argv:
        threading.Thread(target=_save, daemon=True).start()
