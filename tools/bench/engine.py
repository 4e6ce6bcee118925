"""`python -m tools.bench.engine`: measures the program in the Pulumi engine.

It prints the seconds of a preview and of the first `up`. The stand-in provider responds
immediately: AWS's own time comes on top.
"""

import json
import tempfile
from pathlib import Path

from local import stack_files
from tools.checks import stand_in_provider
from tools.checks.pulumi_stack import Stack, state_in
from tools.project_copy import copy_of_project


def main() -> None:
    """Print the seconds of a preview and of an `up`."""
    with tempfile.TemporaryDirectory() as name, stand_in_provider.running(Path(name)) as provider:
        folder = Path(name)
        environment = {**state_in(folder), **provider.environment}
        # The CLI writes into the stack's file.
        project = copy_of_project(folder / "project")
        stack = Stack(project, stack_files.default_stack(), environment)
        seconds = {"engine_preview_s": stack.preview().seconds, "engine_up_s": stack.up().seconds}
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))


if __name__ == "__main__":
    main()
