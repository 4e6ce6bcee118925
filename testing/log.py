"""The log lines of the function in this process."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from function.runtime import telemetry


class _Recorder(logging.Handler):
    """Keeps each log line as parsed JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = list[dict[str, Any]]()
        self.setFormatter(telemetry._JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(json.loads(self.format(record)))


@contextmanager
def written_to(handler: logging.Handler) -> Iterator[None]:
    """Send the function's log lines to a handler too."""
    telemetry._logger.addHandler(handler)
    try:
        yield
    finally:
        telemetry._logger.removeHandler(handler)


@contextmanager
def recorded() -> Iterator[list[dict[str, Any]]]:
    """Return the list that receives the log lines of the block."""
    recorder = _Recorder()
    with written_to(recorder):
        yield recorder.lines
