"""`python -m tools.release.list_stacks`: prints the stacks in deployment order for a workflow.

Every Pulumi.<stack>.yaml is a stack. The output has three job outputs: `all` stacks and those
`before` the last one as JSON, and `last`: prod, which needs an approval, or an empty text.
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
    stacks = ordered(folder)
    print(f"all={json.dumps(stacks)}")
    print(f"before={json.dumps([stack for stack in stacks if stack != LAST])}")
    print(f"last={LAST if LAST in stacks else ''}")
    return []


def main(folder: Path = stack_files.ROOT) -> int:
    """Return 0 if there is a stack."""
    return cli.run(lambda: _print(folder))


if __name__ == "__main__":
    sys.exit(main())
