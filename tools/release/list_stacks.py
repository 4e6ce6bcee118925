"""`python -m tools.release.list_stacks`: prints the stacks in deployment order for a workflow.

Every Pulumi.<stack>.yaml is a stack. The output `all` has them as JSON: dev first, prod last.
"""

import json
import sys
from pathlib import Path

from local import stack_files
from tools import cli

LAST = "prod"


def ordered(folder: Path = stack_files.ROOT) -> list[str]:
    """Return the stacks: dev first, prod last, the others in between.

    Raises StackFileError if there is none.
    """
    first = stack_files.default_stack(folder)
    return sorted(stack_files.stacks(folder), key=lambda name: (name == LAST, name != first, name))


def _print(folder: Path) -> list[str]:
    print(f"all={json.dumps(ordered(folder))}")
    return []


def main(folder: Path = stack_files.ROOT) -> int:
    """Return 0 if there is a stack."""
    return cli.run(lambda: _print(folder))


if __name__ == "__main__":
    sys.exit(main())
