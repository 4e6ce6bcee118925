"""A running local stack after one update: what it serves and what it documents."""

import json
import re
import subprocess
import sys
from pathlib import Path

from local.program import ROOT

# Runs in a copy of the project, whose endpoint it changes; prints what there is after each update.
USE = """
import json, pathlib, sys
from local import deploy
module = pathlib.Path("function/endpoints/changed.py")
with deploy.up("dev") as local:
    gateway = local.emulator.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    key = local.call().json()["key"]
    for source in json.loads(sys.stdin.read()):
        module.write_text(source) if source else module.unlink()
        local.update()
        export = gateway.get_export(restApiId=api["id"], stageName="dev", exportType="oas30")
        answers = [
            local.call(method=method, path=path + key).status
            for method, path in (("GET", "/epoch/"), ("PUT", "/epoch/"), ("GET", "/moved/"))
        ]
        said = json.loads(export["body"].read())["paths"]
        print(json.dumps([answers, {path: sorted(said[path])[0] for path in said}]))
"""
POST = {"/epoch": "post"}


def test_routes_are_right_after_one_update(project: Path) -> None:
    text = (ROOT / "docs" / "extending.md").read_text()
    get: str = re.findall(r"```python\n(.*?)```", text, re.S)[0]
    put = get.replace('method="GET"', 'method="PUT"')
    moved = get.replace("/epoch/{key}", "/moved/{key}")
    named = get.replace("{key}", "{id}").replace('name="key"', 'name="id"')
    named = named.replace('path_parameters["key"]', 'path_parameters["id"]')
    steps = (
        (get, [200, 405, 404], {"/epoch/{key}": "get"}),
        (put, [405, 200, 404], {"/epoch/{key}": "put"}),
        (get, [200, 405, 404], {"/epoch/{key}": "get"}),
        (moved, [404, 404, 200], {"/moved/{key}": "get"}),
        (get, [200, 405, 404], {"/epoch/{key}": "get"}),
        (named, [200, 405, 404], {"/epoch/{id}": "get"}),
        ("", [404, 404, 404], {}),
    )
    run = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=project,
        input=json.dumps([source for source, *_ in steps]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = [json.loads(line) for line in run.stdout.splitlines()]
    assert seen == [[answers, POST | documented] for _, answers, documented in steps]
