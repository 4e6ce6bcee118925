"""`python -m tools.docs.diagram`: draws docs/architecture.svg from the last stack's resources."""

import sys

from console import diagram
from local import pulumi_program, stack_files
from tools import cli
from tools.release import list_stacks

STACK = list_stacks.ordered()[-1]
FILE = stack_files.ROOT / "docs" / "architecture.svg"


def main() -> list[str]:
    """Draw the diagram."""
    FILE.write_text(diagram.draw(pulumi_program.declared_resources(STACK), STACK), encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(cli.run(main))
