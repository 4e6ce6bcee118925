"""The commands of the pipeline, against the running local stack."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.packaging.archive import Bundle
from components.packaging.project_bundle import project_bundle
from local import local_stack, stack_files
from local.local_stack import LocalStack
from tests.conftest import output
from tests.e2e.test_pulumi_cli import executable
from tests.unit.tools.release.test_smoke import KEYED
from tools.release import commit_order, drift, pipeline_io, prune_versions, rollback, smoke, verify

Capture = pytest.CaptureFixture[str]
BROKEN = '"""Broken."""\n\n\ndef handler(*_):\n    """Fail."""\n    raise RuntimeError\n'


def act_in_account(monkeypatch: pytest.MonkeyPatch, stack: LocalStack) -> None:
    """Give this process the credentials and endpoint of the stack's account."""
    for name, value in stack.emulator.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials of its first use


@pytest.fixture
def run(
    local: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """Give a command the stack's outputs, its account and a summary."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(local.outputs))
    act_in_account(monkeypatch, local)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    yield {"outputs": str(outputs), "summary": tmp_path / "summary.md"}


@pytest.fixture
def breakable(local: LocalStack) -> Iterator[LocalStack]:
    """Return the stack for a test that breaks its function; it is whole again afterwards."""
    yield local
    local.run()


def _api(local: LocalStack, **changes: Any) -> smoke.Api:
    fields = {"url": "api_url", "api_key": "default_api_key", "document": "api_document_hash"}
    known = {field: local.outputs[name] for field, name in fields.items()}
    return smoke.Api(**{**known, "propagation_s": 0, **changes})


def test_the_smoke_test_fails_where_another_document_is_served(local: LocalStack) -> None:
    results = {r.check: r for r in smoke.run_checks(_api(local, document="000000000000"))}
    found = results.pop("serves the deployed document")
    assert not found.passed and "the stack declares 000000000000" in found.observed
    assert all(result.passed for result in results.values())


@pytest.mark.conformance
@pytest.mark.smoke
def test_the_smoke_test_passes_on_a_healthy_stack_and_never_shows_the_key(
    local: LocalStack, run: dict[str, Any], capsys: Capture
) -> None:
    assert smoke.main([run["outputs"]]) == 0
    said = capsys.readouterr().out
    summary = run["summary"].read_text()
    assert said.count("ok    ") == len(smoke.checks()) and "FAILED" not in said
    assert summary.count("ok    ") == len(smoke.checks()) and local.outputs["api_url"] in summary
    assert local.outputs["default_api_key"] not in said + summary


def _published(local: LocalStack, code: str, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Publish the function with another entry point, as a deployment would."""
    main = path / "main.py"
    main.write_text(code)
    found = project_bundle().files()
    # The bytecode of the former source would win.
    files = {name: file for name, file in found.items() if "/api_handler.cpython" not in name}
    monkeypatch.setattr(
        Bundle, "files", lambda _: {**files, "function/runtime/api_handler.py": main}
    )
    local.run()
    monkeypatch.undo()


def test_a_broken_deployment_is_found_and_rolled_back(
    breakable: LocalStack, run: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    assert rollback.main(["show", run["outputs"]]) == 0
    before = capsys.readouterr().out.strip()
    with pytest.MonkeyPatch.context() as patch:
        _published(breakable, BROKEN, patch, tmp_path)
    assert smoke.main([run["outputs"]]) == 1
    assert " returns a declared response: 500" in capsys.readouterr().out
    assert rollback.main(["to", run["outputs"], before]) == 0
    version = before.rpartition(":")[2]
    assert f"serves version {version} again" in capsys.readouterr().out
    assert smoke.main([run["outputs"]]) == 0
    assert f"serves version {version} again" in run["summary"].read_text()
    capsys.readouterr()
    # Once more by the same command: the alias is where it was before.
    assert rollback.main(["to", run["outputs"], before]) == 1
    assert f"version {version} of" in capsys.readouterr().err


def _broken(stack: LocalStack, folder: Path) -> tuple[Any, str, str]:
    """Publish a broken version; return the client, the function and the version before."""
    client, function = stack.emulator.client("lambda"), stack.outputs["function_name"]
    before = rollback.live_version(client, function)
    with pytest.MonkeyPatch.context() as patch:
        _published(stack, BROKEN, patch, folder)
    return client, function, before


def test_an_update_that_failed_after_the_alias_moved_is_settled(
    breakable: LocalStack, run: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    client, function, before = _broken(breakable, tmp_path)
    # It wrote no outputs of its own.
    arguments = [str(tmp_path / "none.json"), run["outputs"], before]
    assert verify.main(arguments) == 1
    assert "did not pass the smoke test" in capsys.readouterr().err
    assert rollback.live_version(client, function) == before
    assert verify.main(arguments) == 0  # the serving version passes, so it stays
    assert rollback.live_version(client, function) == before
    (tmp_path / "empty.json").write_text("{}")
    assert verify.main([str(tmp_path / "none.json"), str(tmp_path / "empty.json"), ""]) == 1
    assert "there is no deployment to test" in capsys.readouterr().err


def test_after_a_rollback_the_same_commit_is_no_success(
    breakable: LocalStack, run: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    client, function, before = _broken(breakable, tmp_path)
    broken = rollback.live_version(client, function)
    after = tmp_path / "after.json"
    after.write_text(json.dumps({**breakable.outputs, "function_versions": f"{function}:{broken}"}))
    assert verify.main([str(after), run["outputs"], before]) == 1
    capsys.readouterr()
    # The update of "re-run jobs" changes nothing, so the former version serves, which passes.
    assert verify.main([str(after), run["outputs"], before]) == 1
    said = capsys.readouterr()
    assert "FAILED" not in said.out
    assert f"version {before} of {function} serves, but {broken} is the deployed one" in said.err


def test_versions_that_no_rollback_needs_are_removed(
    breakable: LocalStack, run: dict[str, Any], capsys: Capture
) -> None:
    client, function = breakable.emulator.client("lambda"), breakable.outputs["function_name"]
    for number in range(prune_versions.KEEP + 1):
        client.update_function_configuration(FunctionName=function, Description=str(number))
        newest = client.publish_version(FunctionName=function)["Version"]
    rollback.roll_back(client, [function], newest)
    serving = min(rollback.versions(client, function))
    rollback.roll_back(client, [function], str(serving))
    kept = sorted(rollback.versions(client, function))[-prune_versions.KEEP :]
    assert prune_versions.main([run["outputs"], ""]) == 0
    assert sorted(rollback.versions(client, function)) == [serving, *kept]
    assert "deleted" in capsys.readouterr().out
    assert prune_versions.main([run["outputs"], ""]) == 0
    assert "deleted no version" in capsys.readouterr().out
    assert breakable.call().status < 300


def test_the_rights_of_a_version_stay_as_long_as_it_does(
    breakable: LocalStack, run: dict[str, Any], capsys: Capture
) -> None:
    client, iam = breakable.emulator.client("lambda"), breakable.emulator.client("iam")
    function = breakable.outputs["function_name"]
    first = client.get_function_configuration(FunctionName=function)
    role = first["Role"].rpartition("/")[2]
    (declared,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = json.dumps(iam.get_role_policy(RoleName=role, PolicyName=declared)["PolicyDocument"])
    former = [f"{declared[:-8]}{number:08x}" for number in range(prune_versions.KEEP + 1)]
    iam.put_role_policy(RoleName=role, PolicyName="customized", PolicyDocument=document)
    for policy in (*former, declared):
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)
        client.update_function_configuration(FunctionName=function, Description=f"Rights: {policy}")
        newest = client.publish_version(FunctionName=function)["Version"]
    rollback.roll_back(client, [function], newest)

    def policies() -> set[str]:
        return set(iam.list_role_policies(RoleName=role)["PolicyNames"])

    assert prune_versions.main([run["outputs"], ""]) == 0
    # The last three versions have these rights.
    assert policies() == {*former[-2:], "customized", declared}
    assert f"deleted policy {former[0]}" in capsys.readouterr().out
    # Of four equal policies one goes, so that IAM takes another one.
    size = len(json.dumps(json.loads(document), separators=(",", ":")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune_versions, "ROLE_POLICY_SIZE", 4 * size)
        assert prune_versions.main([run["outputs"], ""]) == 0
    assert policies() == {former[-1], "customized", declared}
    assert prune_versions.main([run["outputs"], "1"]) == 0
    assert policies() == {"customized", declared}
    iam.delete_role_policy(RoleName=role, PolicyName="customized")


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return output(folder, "git", *identity, *arguments).strip()


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return three commits of a repository, which is the working directory; oldest first."""
    _git(tmp_path, "init", "--quiet")
    made = []
    for number in range(3):
        (tmp_path / "Makefile").write_text(f".venv/.ready:\n\t@echo {number} > made\n")
        _git(tmp_path, "add", "Makefile")
        _git(tmp_path, "commit", "--quiet", "--message", str(number))
        made.append(_git(tmp_path, "rev-parse", "HEAD"))
    monkeypatch.chdir(tmp_path)
    return made


def test_no_commit_goes_over_a_newer_one_not_even_one_that_failed(
    commits: list[str], tmp_path: Path, capsys: Capture
) -> None:
    first, second, third = commits
    history = tmp_path / "history.json"
    entries = [
        {"kind": "refresh", "message": third, "result": "succeeded"},
        {"kind": "update", "message": "by hand", "result": "succeeded"},
        {"kind": "update", "message": second, "result": "failed"},
        {"kind": "update", "message": first, "result": "succeeded"},
    ]
    history.write_text(json.dumps(entries))
    assert (
        commit_order.main([str(history), third]) == commit_order.main([str(history), second]) == 0
    )
    capsys.readouterr()
    assert commit_order.main([str(history), first]) == 1
    assert f"{first} does not contain {second}" in capsys.readouterr().err
    history.write_text("[]")
    assert commit_order.main([str(history), first]) == 0
    history.write_text("no stack")
    assert commit_order.main([str(history), first]) == 1
    assert "is not a stack's history" in capsys.readouterr().err


def _pulumi(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a stand-in for Pulumi's CLI on PATH, in the working directory."""
    executable(Path("bin", "pulumi").absolute(), script)
    monkeypatch.setenv("PATH", str(Path("bin").absolute()), prepend=":")


@pytest.mark.parametrize(("status", "says"), ((0, ""), (1, "differs from {}")))
def test_drift_is_told_from_the_commit_that_is_deployed(
    status: int, says: str, commits: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    _, deployed, _ = commits
    known = json.dumps({"deployed_commit": deployed})
    _pulumi(
        monkeypatch,
        f"if [ \"$1\" = stack ]; then echo '{known}'; exit; fi\n"
        f'echo "$EPOCH_COMMIT at $(cat .venv/made made 2>/dev/null): $*"; exit {status}',
    )
    assert drift.main(["live"]) == status
    out, err = capsys.readouterr()
    assert f"{deployed} at 1: preview --stack live --refresh" in out
    drift.main([""])
    assert f"preview --stack {stack_files.default_stack()} --refresh" in capsys.readouterr().out
    assert all(f"--exclude **{kind}::**" in out for kind in drift.EXCLUDED)
    assert says.format(deployed) in err
    assert len(_git(Path.cwd(), "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("outputs", ('{"deployed_commit": "unknown"}', "{}"))
def test_a_stack_deployed_by_hand_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, outputs: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _pulumi(monkeypatch, f"echo '{outputs}'")
    assert drift.main(["live"]) == 1
    assert "was deployed by hand" in capsys.readouterr().err


@pytest.mark.usefixtures("jobs")
def test_jobs_go_back_with_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with local_stack.up(stack_files.default_stack()) as stack:
        act_in_account(monkeypatch, stack)
        outputs, client = tmp_path / "outputs.json", stack.emulator.client("lambda")
        outputs.write_text(json.dumps(stack.outputs))
        names = rollback.functions(stack.outputs)

        def serve() -> list[str]:
            return [rollback.live_version(client, name) for name in names]

        assert rollback.main(["show", str(outputs)]) == 0
        before, first = capsys.readouterr().out.strip(), serve()
        assert len(first) == len(names) > 5
        with pytest.MonkeyPatch.context() as patch:
            _published(stack, BROKEN, patch, tmp_path)
        broken = serve()
        assert not set(zip(names, first)) & set(zip(names, broken))
        # By all versions, by the function's version alone, and by none.
        for to in (before, first[0], ""):
            assert rollback.main(["to", str(outputs), to]) == 0, to
            assert serve() == first, to
            assert rollback.main(["to", str(outputs), ""]) == 1
            assert "is the first one" in capsys.readouterr().err
            rollback.roll_back(client, names, ",".join(map(":".join, zip(names, broken))))
        # A function of the same code with another setting: the jobs served with that code, too.
        client.update_function_configuration(FunctionName=names[0], MemorySize=256)
        newer = client.publish_version(FunctionName=names[0])["Version"]
        client.update_alias(FunctionName=names[0], Name=rollback.ALIAS, FunctionVersion=newer)
        rollback.roll_back(client, names)
        assert serve() == broken
        assert prune_versions.main([str(outputs), ""]) == 0
        said = capsys.readouterr().out
        assert all(f"{name}: deleted no version" in said for name in names)


def test_where_no_endpoint_has_a_sample_the_smoke_test_says_how_to_add_one(
    run: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(smoke, "load_endpoints", lambda: (KEYED._replace(sample=None),))
    assert smoke.main([run["outputs"]]) == 0
    said = capsys.readouterr().out
    assert said.count("ok    ") == 1 and "add sample=SampleRequest() to an ENDPOINT" in said


def test_a_function_that_is_gone_is_one_clear_message(
    run: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    gone = tmp_path / "gone.json"
    gone.write_text('{"function_name": "gone"}')
    assert run and rollback.main(["show", str(gone)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1


def test_before_the_first_deployment_nothing_serves(
    run: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    assert run and rollback.main(["show", str(empty)]) == 0
    assert capsys.readouterr().out == "\n"


@pytest.mark.parametrize("url", ("http://127.0.0.1:{port}", "nowhere"))
def test_an_api_that_does_not_answer_is_one_clear_message(url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = url.format(port=free.getsockname()[1])
        with pytest.raises(pipeline_io.CommandError, match="does not answer"):
            smoke.run_checks(smoke.Api(url=url, api_key="any", document="any", propagation_s=0))
