"""The benchmark of Pulumi's engine adds endpoints to a copy of the project."""

import subprocess
import sys
from pathlib import Path

from function.declare.registry import load_endpoints
from tools.bench import engine


def test_a_copy_of_the_project_declares_as_many_endpoints_as_are_measured(project: Path) -> None:
    engine._declare(project, 3)
    asked = (
        "from function.declare.registry import load_endpoints; "
        "print(*(one.path for one in load_endpoints()))"
    )
    told = subprocess.check_output([sys.executable, "-c", asked], cwd=project, text=True)
    own = [endpoint.path for endpoint in load_endpoints()]
    more = [f"/more-{number}" for number in range(len(own), 3)]
    assert sorted(told.split()) == sorted([*own, *more])
