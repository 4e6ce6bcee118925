"""The program under the real engine, step by step. Run by `make test-pulumi`.

With a stand-in for the provider, which keeps an account of what it was asked to make; and where
pulumi-aws itself is at hand, with that against the emulator, but for the steps that look into that
account. There a smoke test follows each `up`.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pulumi
import pytest
import yaml

from components.packaging.archive import files_in
from local import local_stack, pulumi_program, stack_files
from local.stack_files import Secret
from tests.conftest import NAME, PROJECT, STACK, output, plain, run, run_python
from tests.e2e import test_options as options
from tests.e2e.test_mistakes import WRONG
from tests.fixtures import every_kind
from tools.checks import stand_in_provider
from tools.checks.pulumi_stack import Run, Stack, state_in
from tools.project_copy import copy_of_project
from tools.release import pull_request_stack, verify


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What the CLI needs for a provider, the stand-in if it is one, and what looks whether a stack
    serves, by its folder and outputs."""

    environment: Mapping[str, str]
    stand_in: stand_in_provider.Provider | None = None
    serves: Callable[[Path, Mapping[str, Any]], None] | None = None


# Read before a stack's program imports the declarations anew.
PLAIN = plain()

PLUGINS = os.environ.get("EPOCH_PLUGINS", "")


@pytest.fixture(
    name="provider", scope="module", params=("stand-in", *(["pulumi-aws"] if PLUGINS else []))
)
def _provider(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Provider]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "stand-in":
        with stand_in_provider.running(home) as stand_in:
            yield Provider(environment=stand_in.environment, stand_in=stand_in)
        return
    (home / "plugins").symlink_to(PLUGINS)
    with local_stack.emulated_account(stack_files.stack_config(STACK)["aws:region"]) as emulated:
        yield Provider(
            environment={"PULUMI_HOME": str(home), **emulated.emulator.environment},
            serves=partial(_serves, emulated.emulator.url),
        )


def _serves(emulator: str, folder: Path, outputs: Mapping[str, Any]) -> None:
    """`make smoke` of the project in a folder, where the emulator serves what AWS would."""
    at = urlsplit(outputs["api_url"])
    url = f"{emulator}/_aws/execute-api/{at.netloc.partition('.')[0]}{at.path}"
    known = folder / "outputs.json"
    known.write_text(json.dumps({**outputs, "api_url": url}))
    # Not each of them in the summary that GitHub shows.
    run_python(folder, "-m", "tools.release.smoke", str(known), GITHUB_STEP_SUMMARY="")


@pytest.fixture(name="account", scope="module")
def _account(provider: Provider) -> Path:
    """Return the folder of the existing resources, a file for each."""
    if not provider.stand_in:
        pytest.skip("looks into the stand-in's account")
    return provider.stand_in.account


@pytest.fixture(name="failing")
def _failing(provider: Provider) -> Iterator[Callable[[str], None]]:
    """Return a function that makes the stand-in fail on a type, or on none."""
    if not provider.stand_in:
        pytest.skip("tells the stand-in to fail")
    yield partial(setattr, provider.stand_in, "failing")
    provider.stand_in.failing = ""


@pytest.fixture(name="environment", scope="module")
def _environment(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> dict[str, str]:
    """Return the environment of the CLI: the provider, and a state in a folder."""
    return {**state_in(tmp_path_factory.mktemp("state")), **provider.environment}


@pytest.fixture(name="stack", scope="module", params=stack_files.stacks())
def _stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
    provider: Provider,
) -> Stack:
    folder = copy_of_project(tmp_path_factory.mktemp(request.param) / "project")
    return Stack(folder, request.param, environment, provider.serves)


def test_to_begin_a_stack_adds_salt_and_namespace_to_its_file_and_no_more(stack: Stack) -> None:
    content = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())
    assert content.keys() == {"config", "encryptionsalt"}
    assert all(":" in key for key in content["config"])
    assert stack.config == stack_files.stack_config(stack.name)


def test_what_the_cli_writes_into_a_stacks_file_is_the_same_config(stack: Stack) -> None:
    own, owner = stack_files.stack_config(stack.name), f"{PROJECT}:owner"
    stack.command("config", "set", "owner", own[owner])
    assert f"  {owner}:" in (stack.folder / f"Pulumi.{stack.name}.yaml").read_text()
    assert stack.config == own


def test_a_preview_with_unknowns_promises_what_up_then_makes(stack: Stack) -> None:
    preview, up = stack.preview(), stack.up()
    print(
        f"\n{stack.name}: {len(up.changes)} resources, preview {preview.seconds:.1f} s, "
        f"up {up.seconds:.1f} s, ",
        end="",
    )
    assert {step[0] for step in up.changes} == {"create"}
    assert sorted(preview.changes) == sorted(up.changes)


@pytest.mark.usefixtures("account")
def test_the_local_runs_engine_registers_what_the_real_one_gets(stack: Stack) -> None:
    declared = {
        one.urn: one for one in pulumi_program.declared_resources(stack.name, config=stack.config)
    }
    kinds = {one.kind for one in declared.values()}
    state = {entry["urn"]: entry for entry in stack.state() if entry["type"] in kinds}
    assert set(state) == set(declared)
    for urn, one in declared.items():
        kept = state[urn]
        assert kept["type"] == one.kind and kept["parent"] == one.parent, urn
        assert sorted(kept.get("dependencies", [])) == list(one.depends_on), urn
        assert kept.get("protect", False) == one.protect, urn
        assert kept.get("retainOnDelete", False) == one.retained, urn
        if not one.component:
            assert _values(kept["inputs"]) == _values(one.inputs), urn


def _values(value: Any) -> Any:
    """Return inputs without the values that the two write differently: secrets and archives."""
    if isinstance(value, pulumi.FileArchive):
        return sorted(files_in(value))
    if isinstance(value, dict):
        if "plaintext" in value:
            return json.loads(value["plaintext"])
        if value.keys() >= {"hash", "path"}:
            return sorted(files_in(pulumi.FileArchive(value["path"])))
        return {name: _values(item) for name, item in value.items()}
    return [_values(item) for item in value] if isinstance(value, list) else value


def test_a_second_up_and_a_refresh_change_nothing(stack: Stack) -> None:
    up, refresh = stack.up(), stack.refresh()
    print(f"second up {up.seconds:.1f} s, refresh {refresh.seconds:.1f} s", end=" ")
    assert not up.changes and not refresh.of("delete")
    assert not stack.up().changes


@pytest.mark.parametrize("stack", (STACK,), indirect=True)
@pytest.mark.usefixtures("account")
def test_a_restored_table_takes_the_place_of_the_lost_one_which_stays(stack: Stack) -> None:
    before, kind = stack.export(), "aws:dynamodb/table:Table"
    (table,) = (resource for resource in stack.state() if resource["type"] == kind)
    stack.command("state", "rename", table["urn"], "lost", "--yes")
    # What `pulumi import` enters in the state: the command itself wants Python's language host,
    # which Pulumi's installation has and its Go module has not.
    state = stack.export()
    resources = state.deployment["resources"]
    (lost,) = (resource for resource in resources if resource["type"] == kind)
    inputs = lost["inputs"] | {"name": "restored"}
    outputs = lost["outputs"] | inputs | {"id": "restored"}
    restored = lost | {"urn": table["urn"], "id": "restored", "inputs": inputs, "outputs": outputs}
    resources.insert(resources.index(lost), restored)
    stack.replace(state)
    up = stack.up(exclude=["**::lost"])
    assert not [step for step in up.changes if step[1] == kind and step[0] != "update"]
    assert ("update", "aws:lambda/function:Function") in {step[:2] for step in up.changes}
    stack.command("state", "delete", lost["urn"], "--force", "--yes")
    assert not stack.up().changes
    (now,) = (resource for resource in stack.state() if resource["type"] == kind)
    assert (now["urn"], now["id"]) == (table["urn"], "restored")
    stack.replace(before)


def test_a_protected_stack_survives_destroy_and_goes_once_it_is_unprotected(stack: Stack) -> None:
    before = stack.state()
    if json.loads(stack.config.get(f"{PROJECT}:protect_data", "false")):
        refused = stack.destroy(fails=True)
        assert "cannot be deleted" in refused.text
        assert not [step for step in refused.ended if step[0] == "delete"]
        assert stack.state() == before
        assert not stack.up().changes
        stack.set(protect_data="false")
        assert not stack.up().of("create", "delete", "replace")
    gone = stack.destroy()
    assert len(gone.changes) == len([one for one in before if one["type"].startswith("aws:")])
    assert not stack.state()


@pytest.fixture(name="begun", scope="module")
def _begun(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], provider: Provider
) -> Iterator[Stack]:
    """Return a plain stack of a project that tests change, each from where the last one left it."""
    folder = copy_of_project(tmp_path_factory.mktemp("changing") / "project")
    sealed = {k: {"secure": str(v)} if isinstance(v, Secret) else v for k, v in PLAIN.items()}
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": sealed}))
    stack = Stack(folder, STACK, environment, provider.serves)
    yield stack
    stack.destroy()


@pytest.fixture(name="changing")
def _changing(begun: Stack) -> Stack:
    """Return the same stack, which is up: each of these tests runs by itself, too."""
    if not begun.state():
        begun.up()
    return begun


def test_a_creation_that_fails_in_the_middle_is_finished_by_the_next_up(
    begun: Stack, failing: Callable[[str], None]
) -> None:
    # The first deployment, too, begins with a refresh of the aliases.
    assert not begun.refresh(target=[verify.ALIASES]).changes
    failing("aws:lambda/alias:Alias")
    broken = begun.up(fails=True)
    failing("")
    assert "told to fail" in broken.text and broken.of("create")
    done = begun.up()
    assert {step[0] for step in done.changes} == {"create"}
    assert not begun.up().changes


def test_changed_code_changes_the_function_and_its_alias_alone(changing: Stack) -> None:
    changing.up()
    main = changing.folder / "function" / "runtime" / "api_handler.py"
    main.write_text(main.read_text() + "\n# changed\n")
    ended = changing.up()
    assert {step[1].rpartition(":")[2] for step in ended.changes} == {"Function", "Alias"}
    assert {step[0] for step in ended.changes} == {"update"}


def test_an_alias_that_a_rollback_moved_is_moved_again_after_its_refresh(
    changing: Stack, account: Path
) -> None:
    changing.up()
    kind = "aws:lambda/alias:Alias"
    (file,) = (path for path in account.iterdir() if unquote(path.name).startswith(kind))
    alias = json.loads(file.read_text())
    moved = {part: values | {"functionVersion": "0"} for part, values in alias.items()}
    file.write_text(json.dumps(moved))
    assert not changing.up().changes
    refreshed = changing.refresh(target=[verify.ALIASES])
    assert {step[1] for step in refreshed.changes if step[0] == "update"} <= {kind}
    assert [step[:2] for step in changing.up().changes] == [("update", kind)]


def test_with_a_gradual_rollout_an_update_publishes_and_leaves_the_alias(changing: Stack) -> None:
    changing.set(rollout='{"percent": 10, "minutes": 5}')
    changing.up()
    main = changing.folder / "function" / "runtime" / "api_handler.py"
    main.write_text(main.read_text() + "\n# changed once more\n")
    assert {step[1] for step in changing.up().changes} == {"aws:lambda/function:Function"}
    changing.set(rollout=None)
    assert [step[:2] for step in changing.up().changes] == [("update", "aws:lambda/alias:Alias")]


_ROUTES = {
    "added": ("GET", "/made-by-a-test"),
    "renamed": ("GET", "/renamed-by-a-test"),
    "changed in method": ("PUT", "/renamed-by-a-test"),
    "removed": None,
}


@pytest.mark.parametrize("change", _ROUTES)
def test_a_route_is_in_the_api_before_the_deployment_and_there_before_the_stage(
    changing: Stack, change: str
) -> None:
    before = len(changing.state())
    if route := _ROUTES[change]:
        every_kind.add_route(changing.folder, route[1], method=route[0])
    else:
        every_kind.remove_route(changing.folder)
    ended = changing.up()
    print(
        f"\n{change}: {len(changing.state()) - before:+} resources, {ended.seconds:.1f} s", end=" "
    )
    names = {step[1].rpartition(":")[2] for step in ended.changes}
    assert {"Deployment", "Stage", "Function"} <= names
    assert not {"Table", "RestApi", "Function", "Alias"} & {
        kind.rpartition(":")[2] for kind, _ in ended.of("replace", "delete")
    }
    api, deployment, stage = (
        f"aws:apigateway/{kind}"
        for kind in ("restApi:RestApi", "deployment:Deployment", "stage:Stage")
    )
    assert [step[0] for step in ended.changes if step[1] == api] == ["update"]
    assert ended.follows(api, deployment) and _made_before(ended, deployment, stage)
    assert not changing.up().changes


def _made_before(run: Run, deployment: str, stage: str) -> bool:
    (made,) = (
        at for step, at in run.ended.items() if step[:2] == ("create-replacement", deployment)
    )
    (moved,) = (at for at, step in enumerate(run.began) if step[:2] == ("update", stage))
    return made <= moved


_NOTES = """
from function.declare.table import Index, Table
MADE = Table("made", "key", indexes=(Index(name="by-day", partition_key="day"{}),))
"""


@pytest.mark.usefixtures("account")
def test_preview_and_up_refuse_a_changed_index_or_the_removal_of_protected_data(
    changing: Stack,
) -> None:
    module = changing.folder / "function" / "tables.py"
    own = module.read_text()
    module.write_text(own + _NOTES.format(""))
    changing.set(protect_data="true")
    assert changing.up().changes
    module.write_text(own + _NOTES.format(', sort_key="hour"'))
    for refused in (changing.preview(fails=True), changing.up(fails=True)):
        assert "index by-day of" in refused.text and "Add an index with another" in refused.text
    module.write_text(own)
    refused = changing.preview(fails=True)
    assert "cannot be deleted" in refused.text and "-made" in refused.text
    module.write_text(own + _NOTES.format(""))
    changing.set(protect_data="false")
    assert not changing.up().of("create", "delete", "replace")
    module.write_text(own)
    assert changing.up().of("delete")


_ARN = "arn:aws:{}:eu-central-1:111122223333:{}/x"
# Two sets of options, since a key of one's own excludes replicas.
OPTIONS: tuple[Mapping[str, str], ...] = (
    {"kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/0"},
    {
        **options.OPTIONS,
        "certificate_arn": _ARN.format("acm", "certificate"),
        "domain_name": "api.example.com",
        "hosted_zone_id": "Z123",
        "memory_mb": "2048",
        "permissions_boundary": "arn:aws:iam::111122223333:policy/x",
        "trace_sampling_rate": "0.1",
    },
)


@pytest.mark.usefixtures("account")
def test_each_option_goes_on_and_off_again_and_leaves_nothing(changing: Stack) -> None:
    own = changing.config
    before = _kept(changing)
    for values in OPTIONS:
        changing.set(**values)
        up = changing.up()
        assert up.changes and not up.of("delete", "replace"), values
        assert not changing.up().changes
        changing.set(**{key: own.get(f"{PROJECT}:{key}") for key in values})
        assert changing.up().changes
    assert _kept(changing) == before


def _kept(stack: Stack) -> dict[str, Any]:
    inputs = {one["urn"]: one.get("inputs") for one in stack.state()}
    return {urn: value for urn, value in inputs.items() if "::aws:" in urn or "$aws:" in urn}


@pytest.mark.usefixtures("account")
def test_a_secret_value_of_config_is_in_clear_in_neither_state_nor_output(
    changing: Stack, environment: dict[str, str]
) -> None:
    address = "nobody-knows@example.com"
    changing.command("config", "set", "--secret", "alarm_email", address)
    ended = changing.up()
    assert {kind for kind, _ in ended.of("create")} == {
        "aws:sns/topicSubscription:TopicSubscription"
    }
    state = Path(environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    files = [path for path in state.rglob("*") if path.is_file()]
    assert files and not [path for path in files if address.encode() in path.read_bytes()]
    assert address not in ended.text
    changing.command("config", "rm", "alarm_email")
    changing.up()


@pytest.mark.parametrize("mistake", ("a forgotten comma", "no endpoint"))
def test_a_wrong_declaration_ends_in_one_line(changing: Stack, mistake: str) -> None:
    files, says = WRONG[mistake]
    for name, text in files.items():
        (changing.folder / name).write_text(text)
    ended = changing.preview(fails=True)
    for name in files:
        (changing.folder / name).unlink()
    lines = [line.strip() for line in ended.text.splitlines()]
    assert any(line.startswith(f"error: {says}") for line in lines)
    assert "Traceback" not in ended.text


@pytest.mark.usefixtures("account")
def test_each_kind_of_declaration_comes_and_goes_and_an_index_and_a_job_by_themselves(
    changing: Stack,
) -> None:
    changing.command("config", "set", "--secret", "test_token", "hush")
    changing.set(
        certificate_arn=_ARN.format("acm", "certificate"),
        domain_name="api.example.com",
        hosted_zone_id="Z123",
    )
    every_kind.add(changing.folder)
    up = changing.up()
    assert not up.of("delete", "replace") and not changing.up().changes
    assert {kind for kind, _ in up.of("create")} >= {
        "aws:dynamodb/table:Table",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:route53/record:Record",
        "aws:s3/bucketNotification:BucketNotification",
        "aws:scheduler/schedule:Schedule",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sqs/queue:Queue",
    }
    every_kind.add(changing.folder, without_job="by_stream", without_index="by-author")
    ended = changing.up()
    table = "aws:dynamodb/table:Table"
    assert table in {kind for kind, _ in ended.of("update")}
    assert table not in {kind for kind, _ in ended.of("create", "delete", "replace")}
    assert {name for kind, name in ended.of("delete") if kind.endswith(":Function")} == {
        f"{NAME}-job-by-stream"
    }
    assert not changing.up().changes
    changing.destroy()
    assert not changing.state()


def test_the_stack_of_a_pull_request_comes_up_and_goes_by_its_commands(
    tmp_path: Path, environment: dict[str, str], account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = pull_request_stack.pulumi
    folder = copy_of_project(tmp_path / "project")
    monkeypatch.setattr(stack_files, "ROOT", folder)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def pulumi(*words: str, **options: Any) -> str:
        if words[0] != "up":
            return cli(*words, **options)
        Stack(folder, words[-1], environment).up()  # needs no language host for Python
        return ""

    monkeypatch.setattr(pull_request_stack, "pulumi", pulumi)
    for _ in range(2):
        assert pull_request_stack.main(["up", "7"]) == 0
    assert [path for path in account.iterdir() if "pr_7" in path.name]
    assert pull_request_stack.main(["expired"]) == 0
    assert pull_request_stack.stacks() == ["pr-7"]
    monkeypatch.setattr(pull_request_stack, "DAYS", 0)
    assert pull_request_stack.main(["up", "7"]) == 0
    assert pull_request_stack.main(["expired"]) == 0
    assert not pull_request_stack.stacks()
    left = {path.name for path in account.iterdir() if "pr_7" in path.name}
    assert all("rolePolicy" in name for name in left)  # AWS deletes it with its role


@pytest.mark.usefixtures("account")
def test_the_deployer_comes_up_stays_and_goes(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = copy_of_project(tmp_path / "project") / "bootstrap"
    (folder / "Pulumi.example.yaml").rename(folder / "Pulumi.account.yaml")
    stack = Stack(folder, "account", environment)
    preview, up = stack.preview(), stack.up()
    assert sorted(preview.changes) == sorted(up.changes) and up.of("create")
    assert not stack.up().changes
    assert "cannot be deleted" in stack.destroy(fails=True).text  # the keys of the data
    stack.command("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert not stack.state()


def test_pulumi_new_makes_the_same_stacks_under_another_name(tmp_path: Path) -> None:
    """From a commit, as the CLI takes a repository."""
    source, shop, state = (tmp_path / name for name in ("source", "shop", "state"))
    output(tmp_path, "git", "clone", "--quiet", stack_files.ROOT, source)
    shop.mkdir()
    state.mkdir()
    backend = {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "x"}
    stack = stack_files.default_stack(source)
    new = ("pulumi", "new", source, "--name", "shop", "--stack", stack, "--yes")
    # It ends with an error where Python's language host is not installed.
    made = run(shop, *new, "--generate-only", "--non-interactive", **backend)
    assert "Created project 'shop'" in made.stdout, made.stdout + made.stderr
    (shop / ".build").symlink_to(stack_files.ROOT / ".build")
    show = (
        "from local import pulumi_program, stack_files\n"
        "for stack in stack_files.stacks():\n"
        "    for r in pulumi_program.declared_resources(stack):\n"
        "        print(stack, r.kind, r.name.removeprefix(stack_files.project_name()))"
    )
    ours, theirs = (run_python(folder, "-c", show) for folder in (stack_files.ROOT, shop))
    assert ours == theirs and stack_files.project_name(shop) == "shop"
