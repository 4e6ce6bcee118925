"""`python -m console`: the command of `make local`."""

import argparse

from local import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m console")
    parser.add_argument("--persist", action="store_true", help="keep table data between runs")
    parser.add_argument(
        "--debug", type=int, metavar="PORT", help="let a debugger attach to the function at PORT"
    )
    cli.run(parser, "console.commands:up")
