"""`python -m tools.bench.engine`: measures the program in the Pulumi engine.

It prints the seconds of a preview and of the first `up`: with the whole state saved to a folder at
each step, compressed as in the pipeline, and with one save at the end. The stand-in provider
responds immediately: AWS's own time comes on top.
"""

import json
import tempfile
from pathlib import Path

from local import stack_files
from tools.checks import stand_in_provider
from tools.checks.pulumi_stack import Stack, state_in
from tools.project_copy import copy_of_project

_ONE_SAVE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


def _seconds(*operations: str, **environment: str) -> list[float]:
    """Return the seconds of each operation on a new stack."""
    with tempfile.TemporaryDirectory() as name, stand_in_provider.running(Path(name)) as provider:
        folder = Path(name)
        environment |= state_in(folder) | provider.environment
        # The CLI writes into the stack's file.
        project = copy_of_project(folder / "project")
        stack = Stack(project, stack_files.default_stack(), environment)
        return [getattr(stack, operation)().seconds for operation in operations]


def main() -> None:
    """Print the seconds of a preview, of an `up`, and of one that saves the state once."""
    preview, up = _seconds("preview", "up")
    (saved_once,) = _seconds("up", **_ONE_SAVE)
    seconds = {"engine_preview_s": preview, "engine_up_s": up, "engine_1_save_s": saved_once}
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))


if __name__ == "__main__":
    main()
