"""Starts and ends the commands of a local run."""

import argparse
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def _end(*_: Any) -> None:
    """End the process immediately: the interrupted code could swallow an exception."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # the terminal is closed
        os.write(2, b"\nStopped.\n")
    # Until the module is fully imported, no process has been started.
    getattr(sys.modules.get("local.child_process"), "terminate_all", lambda: None)()
    os._exit(0)


def run(parser: argparse.ArgumentParser, command: str) -> NoReturn:
    """Run the function `module:name` with the parsed options, and end the process.

    A failure is one line on stderr and exit status 1.
    """
    for ending in _ENDS:
        signal.signal(ending, _end)
    streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(errors="replace")
    parser.add_argument("--stack", default="", help="default: dev, else the first one")
    parser.add_argument("--port", type=int, help="MiniStack's port; default: a free one")
    chosen = vars(parser.parse_args())
    status = 0
    try:
        # The imports take a second, and the signal handlers already work.
        from local import ministack, stack_files

        ministack.clear_aws_environment()
        chosen["stack"] = chosen["stack"] or stack_files.default_stack()
        pkgutil.resolve_name(command)(**chosen)
    except BaseException as error:
        if os.environ.get("EPOCH_TRACEBACK"):
            raise
        # Pulumi, whose RunError is one of ours, may not be imported yet.
        own = isinstance(error, (OSError, RuntimeError)) or type(error).__name__ == "RunError"
        text = " ".join((str(error) if own else repr(error)).split())
        print(f"error: {text}", file=sys.stderr, flush=True)
        status = 1
    with suppress(OSError):  # the terminal is closed
        sys.stdout.flush()
    os._exit(status)  # threads of a failed run may still wait
