"""`python -m tools.bench.engine [QUEUES]`: measures the program in the Pulumi engine.

It prints the seconds of a preview and of the first `up`: with the whole state saved to a folder at
each step, compressed as in the pipeline, and with one save at the end. With QUEUES, it prints the
seconds of the `up` of a plain Pulumi program with so many queues. The stand-in provider responds
immediately: AWS's own time comes on top. The folder is in memory if the system has /dev/shm, since
the disk's own time varies between runs.
"""

import json
import sys
import tempfile
from pathlib import Path

from local import stack_files
from tools.checks import stand_in_provider
from tools.checks.pulumi_stack import Stack, state_in
from tools.project_copy import copy_of_project

_MEMORY = Path("/dev/shm")
_ONE_SAVE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
_PLAIN = """
import pulumi_aws as aws

for number in range({queues}):
    aws.sqs.Queue(f"queue-{{number}}")
"""


def _seconds(*operations: str, program: str = "", **environment: str) -> list[float]:
    """Return the seconds of each operation on a new stack, of another program if it is given."""
    temporary = tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
    with temporary as name, stand_in_provider.running(Path(name)) as provider:
        folder = Path(name)
        environment |= state_in(folder) | provider.environment
        # The CLI writes into the stack's file.
        project = copy_of_project(folder / "project")
        if program:
            (project / "__main__.py").write_text(program, encoding="utf-8")
        stack = Stack(project, stack_files.default_stack(), environment)
        return [getattr(stack, operation)().seconds for operation in operations]


def main() -> None:
    """Print the seconds as JSON."""
    if sys.argv[1:]:
        (plain,) = _seconds("up", program=_PLAIN.format(queues=int(sys.argv[1])))
        seconds = {"engine_queues_s": plain}
    else:
        preview, up = _seconds("preview", "up")
        (saved_once,) = _seconds("up", **_ONE_SAVE)
        seconds = {"engine_preview_s": preview, "engine_up_s": up, "engine_1_save_s": saved_once}
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))


if __name__ == "__main__":
    main()
