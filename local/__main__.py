"""`python -m local`: the command of `make demo`."""

import argparse

from local import cli

if __name__ == "__main__":
    cli.run(argparse.ArgumentParser(prog="python -m local"), "local.demo:demo")
