"""`python -m local`: the command of `make demo`."""

import argparse
from typing import Any

from local import cli


def _demo(**chosen: Any) -> None:
    from local import demo

    demo.demo(**chosen)


if __name__ == "__main__":
    cli.run(argparse.ArgumentParser(prog="python -m local"), _demo)
