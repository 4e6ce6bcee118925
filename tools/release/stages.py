"""`python -m tools.release.stages`: the stages in the order in which a commit reaches them, for
a workflow.

A stage is what has a Pulumi.<stage>.yaml. Prints outputs of a job: `all` and, without the last one,
`before` as JSON, and `last`, which waits for an approval; that is empty where there is no prod.
"""

import json
import sys
from pathlib import Path

from local import stack_files
from tools import cli

LAST = "prod"


def ordered(folder: Path = stack_files.ROOT) -> list[str]:
    """Return the stages: dev first, prod last, the others between them.

    Raises ProgramError where there is none.
    """
    first = stack_files.default_stack(folder)
    return sorted(stack_files.stacks(folder), key=lambda name: (name == LAST, name != first, name))


def _print(folder: Path) -> list[str]:
    stages = ordered(folder)
    print(f"all={json.dumps(stages)}")
    print(f"before={json.dumps([stage for stage in stages if stage != LAST])}")
    print(f"last={LAST if LAST in stages else ''}")
    return []


def main(folder: Path = stack_files.ROOT) -> int:
    """Return 0 where there is a stage."""
    return cli.run(lambda: _print(folder))


if __name__ == "__main__":
    sys.exit(main())
