"""How the commands of a local run start and end."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def _end(*_: Any) -> None:
    """End at once, wherever the run is: an exception could get lost in what it interrupts."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # the terminal is closed
        os.write(2, b"\nEnded.\n")
    # Before the module is there, whole, nothing has been started.
    getattr(sys.modules.get("local.child_process"), "end_all", lambda: None)()
    os._exit(0)


def _run(parser: argparse.ArgumentParser, command: Callable[..., None]) -> int:
    """Run a command; every failure is one line on stderr and a non-zero exit."""
    parser.add_argument("--stack", default="", help="(default: dev, or the first there is)")
    parser.add_argument("--port", type=int, help="MiniStack's port (default: a free one)")
    chosen = vars(parser.parse_args())
    try:
        # Takes a second, in which the run can be interrupted already.
        from local import ministack, program  # pylint: disable=import-outside-toplevel

        ministack.forget_surroundings()
        command(**chosen | {"stack": chosen["stack"] or program.default_stack()})
    except BaseException as error:  # pylint: disable=broad-exception-caught
        if os.environ.get("EPOCH_TRACEBACK"):
            raise
        # What repr leaves out of an OSError is the file.
        own = {"OSError", "RunError", "RuntimeError"} & {
            kind.__name__ for kind in type(error).__mro__
        }
        text = " ".join((str(error) if own else repr(error)).split())
        print(f"error: {text}", file=sys.stderr, flush=True)
        return 1
    return 0


def run(parser: argparse.ArgumentParser, command: Callable[..., None]) -> NoReturn:
    """Run a command with the stack, the port and what else `parser` takes, and end the process.

    The command imports by itself what takes long to import.
    """
    for ending in _ENDS:
        signal.signal(ending, _end)
    # Where a terminal's streams are closed, a socket would take their numbers, and be lost to the
    # processes started, which have streams of their own.
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")
    status = _run(parser, command)
    with suppress(OSError, AttributeError):  # nobody reads, or there is none
        sys.stdout.flush()
    os._exit(status)  # threads of a run that failed may still wait
