"""The commands of the workflows exist, are pinned, and keep their permissions and time limits."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components import resource_prefix
from local import pulumi_program
from local.stack_files import ROOT
from tests.conftest import PROJECT
from tools.release import verify

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
# The programs that a script may call. Our own commands are make targets and modules.
PYTHON = ".venv/bin/python"
PROGRAMS = {PYTHON, "echo", "gh", "make", "mkdir", "pulumi", "sed", "tail", "{", "}"}
# A deployment's job ends before its role's session, so that it can still be settled.
LONGEST_MIN = 170
# The environment of pull requests, in a job that deploys nothing.
UNRECORDED = {"name": "pull-request", "deployment": False}


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _jobs_of(workflow: str) -> Any:
    return _load(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"]


def _jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in _load(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for where, job in _jobs():
        yield from ((where, step) for step in job.get("steps", ()))
    for path in ACTIONS:
        yield from ((path.parent.name, step) for step in _load(path)["runs"]["steps"])


def _commands(step: dict[str, Any]) -> Iterator[list[str]]:
    """Return each command of a step's script as words, as far as a pipe."""
    script = step.get("run", "").replace("\\\n", " ")
    for line in script.splitlines():
        line = re.sub(r"^\s*(\w+=)?\$\((.*)\)$", r"\2", line.strip())
        words = shlex.split(line, comments=True)
        for separator in ("|", ">", "2>&1", "||", ">>"):
            words = words[: words.index(separator)] if separator in words else words
        if words:
            yield words


def called(program: str) -> Iterator[tuple[str, list[str]]]:
    """Return the arguments of each call of a program, with its place."""
    for where, step in _steps():
        for words in _commands(step):
            if words[0] == program:
                yield where, words[1:]


def targets(words: list[str]) -> list[str]:
    """Return the targets among the arguments of make."""
    return [word for word in words if "=" not in word and not word.startswith("-")]


def test_every_job_names_its_permissions_and_its_time_limit() -> None:
    for where, job in _jobs():
        assert "permissions" in job, where
        # A job that calls a workflow has that workflow's limits.
        longest = LONGEST_MIN if where == "deploy.yml: deploy" else 60
        assert "uses" in job or job.get("timeout-minutes", 360) <= longest, where
    for path in WORKFLOWS:
        assert _load(path)["permissions"] == {}, path.name


def test_every_command_is_make_pulumi_gh_or_a_tool_of_the_shell() -> None:
    for where, step in _steps():
        programs = {words[0] for words in _commands(step)}
        assert programs <= PROGRAMS, f"{where}: {programs - PROGRAMS}"


def test_every_command_is_run_by_a_test_or_by_ci() -> None:
    run = re.findall(r"[\w-]+", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    modules = dict(
        re.findall(
            r"^([a-z-]+): .*\n\t@?.*-m (tools(?:\.\w+)+)", (ROOT / "Makefile").read_text(), re.M
        )
    )
    tests = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name != Path(__file__).name
    )
    made = {target for _, words in called("make") for target in targets(words)}
    assert {"lint", "scan", "test-all", "drift", "verify-deploy", "live-versions"} <= made
    for where, (option, module, *_) in called(PYTHON):
        assert option == "-m" and f"{module.rpartition('.')[2]}.main(" in tests, where
    # All the others are made of the first; the second is test-all with a measurement.
    for target in made - {".venv/.ready", "coverage"}:
        module = modules.get(target, "").rpartition(".")[2]
        by_test = module and f"{module}.main(" in tests
        assert target in run or by_test, f"nothing here runs make {target}"


def test_a_deployment_first_refreshes_the_aliases_that_a_rollback_has_moved() -> None:
    commands = [words for where, words in called("pulumi") if where == "deploy.yml: deploy"]
    (refresh,) = (words for words in commands if words[0] == "refresh")
    assert refresh[-2:] == ["--target", verify.ALIASES]
    assert commands.index(refresh) < [words[0] for words in commands].index("up")


def test_no_workflow_names_a_stage_but_by_the_list_of_those_that_have_a_file() -> None:
    for where, job in _jobs():
        given = [
            job.get("with", {}).get("stack", ""),
            job.get("strategy", {}).get("matrix", {}).get("stack", ""),
            job.get("env", {}).get("STACK", ""),
        ]
        assert all(value == "" or value.startswith("${{") for value in given), where
        assert "'" not in "".join(given), where


def test_a_deployment_waits_its_turn_and_is_never_cut_short() -> None:
    deploy = _jobs_of("deploy")["deploy"]
    assert deploy["concurrency"] == {
        "group": "deploy-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    assert deploy["needs"] == "preview"
    main = _jobs_of("main")
    assert main["stacks"]["needs"] == "check" and main["deploy"]["needs"] == "stacks"
    assert main["deploy"]["strategy"]["max-parallel"] == 1
    assert main.keys() == {"check", "stacks", "deploy"}


def test_a_deployment_is_settled_however_it_ended_and_while_its_session_lasts() -> None:
    job = _jobs_of("deploy")["deploy"]
    steps = {step.get("id", step.get("run", "")): step for step in job["steps"]}
    (settle,) = (step for run, step in steps.items() if "make verify-deploy" in run)
    assert settle["if"] == "always() && steps.deploy.outcome != 'skipped'"
    (setup,) = (step["with"] for step in job["steps"] if "role" in step.get("with", {}))
    seconds = int(setup["session-seconds"])
    assert steps["deploy"]["timeout-minutes"] + 30 <= job["timeout-minutes"] == LONGEST_MIN
    assert LONGEST_MIN * 60 < seconds
    recorder = pulumi_program.MockEngine()
    pulumi_program.run(recorder, stack="example", folder=ROOT / "bootstrap")
    durations = {
        resource.name: resource.inputs.get("maxSessionDuration") for resource in recorder.resources
    }
    assert durations[f"{resource_prefix(PROJECT, 'prod')}-deploy"] == seconds


def test_a_pull_request_runs_without_credentials() -> None:
    (job,) = _jobs_of("pull-request").values()
    assert job["permissions"] == {"contents": "read"} and "secrets" not in job
    check = _jobs_of("check")
    assert all(job["permissions"] == {"contents": "read"} for job in check.values())
    assert "secrets." not in (ROOT / ".github" / "workflows" / "check.yml").read_text()


def test_a_pull_requests_stack_has_its_own_credentials_which_no_fork_gets() -> None:
    jobs = _jobs_of("pull-request-stack")
    assert jobs.keys() == {"up", "down"}
    for job in jobs.values():
        assert "head.repo.full_name == github.repository" in job["if"]
        assert "'stack'" in job["if"]  # the label
    # All other workflows that a pull request starts get no credentials.
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        if "pull_request:" in text and path.name != "pull-request-stack.yml":
            assert "id-token" not in text and "secrets." not in text, path.name
    using = {
        where for where, job in _jobs() if job.get("environment") in ("pull-request", UNRECORDED)
    }
    for name in ("nightly.yml", "pull-request-stack.yml"):
        concurrency = _load(ROOT / ".github" / "workflows" / name)["concurrency"]
        assert concurrency["cancel-in-progress"] is False
    assert using == {
        "nightly.yml: expired",
        "pull-request-stack.yml: down",
        "pull-request-stack.yml: up",
    }


def test_credentials_are_for_jobs_of_an_environment_only() -> None:
    for where, job in _jobs():
        token = job["permissions"].get("id-token")
        roles = [step for step in job.get("steps", ()) if "role" in step.get("with", {})]
        assert bool(token) == bool("environment" in job or "deploy.yml" in job.get("uses", ""))
        assert not roles or (token and job["environment"]), where


def test_a_checkout_keeps_no_token() -> None:
    for where, step in _steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, where


def test_the_makefile_names_folders_and_files_that_exist() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:tests|tools)/[\w./-]+", text))
    assert named and not [path for path in named if not (ROOT / path).exists()]
