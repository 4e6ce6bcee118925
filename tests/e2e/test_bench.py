"""The benchmark measures a copy of the project that declares more."""

import json
import subprocess
import sys
from pathlib import Path

from function.declare.registry import load_endpoints, load_tables
from tools.bench import large_service

_DECLARED = """
import json
from function.declare import job_registry, registry
json.dump([
    [one.path for one in registry.load_endpoints()],
    [*registry.load_tables()],
    [*job_registry.load_jobs()],
], fp=__import__("sys").stdout)
"""


def test_a_copy_has_so_many_endpoints_and_a_table_and_a_job_for_five(tmp_path: Path) -> None:
    copy = large_service.copy(tmp_path / "copy", 10)
    told = json.loads(subprocess.check_output([sys.executable, "-c", _DECLARED], cwd=copy))
    endpoints, tables, jobs = told
    assert len(endpoints) == 10 and {one.path for one in load_endpoints()} < set(endpoints)
    assert tables == [*load_tables(), "more-0", "more-1"]
    assert {"more_0", "more_1"} <= set(jobs)
