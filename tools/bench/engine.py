"""`python -m tools.bench.engine N`: measures the program with N endpoints in the Pulumi engine.

It prints the seconds of a preview and of the first `up`. The stand-in provider responds
immediately: AWS's own time comes on top.
"""

import json
import sys
import tempfile
from pathlib import Path

from local import stack_files
from tools.checks import stand_in_provider
from tools.checks.pulumi_stack import Stack, state_in
from tools.project_copy import copy_of_project

_FURTHER = '''"""One more."""

from function.endpoints.{first} import ENDPOINT as FIRST

ENDPOINT = FIRST._replace(path="/more-{number}", path_parameters=(), sample=None)
'''


def _declare(project: Path, count: int) -> None:
    """Add endpoints to a copy of the project: copies of its first one on other paths."""
    folder = project / "function" / "endpoints"
    own = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    for number in range(len(own), count):
        module = folder / f"more_{number}.py"
        module.write_text(_FURTHER.format(first=own[0], number=number), encoding="utf-8")


def main() -> None:
    """Print the seconds of a preview and of an `up`."""
    with tempfile.TemporaryDirectory() as name, stand_in_provider.running(Path(name)) as provider:
        folder = Path(name)
        project = copy_of_project(folder / "project")
        _declare(project, int(sys.argv[1]))
        environment = {**state_in(folder), **provider.environment}
        stack = Stack(project, stack_files.default_stack(), environment)
        seconds = {"engine_preview_s": stack.preview().seconds, "engine_up_s": stack.up().seconds}
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))


if __name__ == "__main__":
    main()
