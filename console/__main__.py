"""`python -m console`: what `make local` runs."""

import argparse
from typing import Any

from local import cli


def _up(**chosen: Any) -> None:
    from console import commands  # pylint: disable=import-outside-toplevel

    commands.up(**chosen)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m console")
    parser.add_argument("--keep", action="store_true", help="start with the tables as they were")
    cli.run(parser, _up)
