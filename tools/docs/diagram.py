"""`python -m tools.docs.diagram`: draws docs/architecture.svg from what the last stage declares."""

import sys

from console import diagram
from local import program
from tools import cli
from tools.release import stages

STACK = stages.ordered()[-1]
FILE = program.ROOT / "docs" / "architecture.svg"


def main() -> list[str]:
    """Draw the picture anew."""
    FILE.write_text(diagram.draw(program.declare(STACK), STACK), encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(cli.run(main))
