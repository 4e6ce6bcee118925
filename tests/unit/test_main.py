"""The program `__main__.py` as a whole, under Pulumi mocks."""

import pytest
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime.settings import SETTINGS

from components import Linked
from function.declare.registry import load_links
from local import pulumi_program, stack_files
from tests.conftest import declare, plain

STACKS = stack_files.stacks()


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", (False, True))
def test_the_program_runs_in_deployment_and_in_preview(stack: str, preview: bool) -> None:
    kinds = {resource.kind for resource in declare(stack, preview=preview)}
    assert {"aws:apigateway/restApi:RestApi", "aws:lambda/function:Function"} <= kinds


@pytest.mark.conformance
def test_the_sdk_waits_for_registrations_that_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    wait = runtime_stack.wait_for_rpcs

    async def waiting() -> None:
        begun.append(len(SETTINGS.rpc_manager.rpcs))
        await wait()

    monkeypatch.setattr(runtime_stack, "wait_for_rpcs", waiting)
    engine = pulumi_program.MockEngine()
    pulumi_program.run(engine, stack=STACKS[0])
    assert begun and begun[0] >= len(engine.resources)


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_the_key_is_a_secret_output(stack: str) -> None:
    outputs = pulumi_program.run(pulumi_program.MockEngine(), stack=stack)
    assert outputs.secret == {"default_api_key", "api_keys"}


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_has_a_component_as_parent(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All but those of infrastructure.py.
    links = {name: Linked("arn:aws:sns:::x") for name in load_links()}
    monkeypatch.setattr("infrastructure.infrastructure", lambda *_: links)
    resources = pulumi_program.declared_resources(stack)
    components = {resource.urn for resource in resources if resource.component}
    assert components
    assert not [r.name for r in resources if not r.component and r.parent not in components]


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_names_leave_room_for_a_replacement(stack: str) -> None:
    """Pulumi creates a replacement before it deletes: a fixed name would be taken then."""
    fixed = {r.kind for r in declare(stack) if not r.component and "name" in r.inputs}
    # Several APIs may have one name; an alias is named within its function, a policy in its role.
    assert fixed <= {
        "aws:apigateway/restApi:RestApi",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:lambda/alias:Alias",
    }


def test_the_deployed_commit_is_an_output_and_changes_no_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def declared() -> tuple[str, set[str]]:
        recorder = pulumi_program.MockEngine()
        outputs = pulumi_program.run(recorder, stack=stack_files.default_stack()).values
        # The archive of the code shows its address in memory.
        inputs = ({**r.inputs, "code": None} for r in recorder.resources)
        return outputs["deployed_commit"], {str(sorted(values.items())) for values in inputs}

    commit, resources = declared()
    monkeypatch.setenv("EPOCH_COMMIT", "f00")
    assert (commit, declared()) == ("unknown", ("f00", resources))


def test_the_metric_namespace_is_the_name_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_program, "project_name", lambda _: "shop")
    config = {
        key if key.startswith("aws:") else f"shop:{key.partition(':')[2]}": value
        for key, value in plain().items()
    }
    resources = pulumi_program.declared_resources(STACKS[0], config=config)
    function = next(r.inputs for r in resources if r.kind == "aws:lambda/function:Function")
    assert function["environment"]["variables"]["METRIC_NAMESPACE"] == "shop"
    namespaces = {str(r.inputs.get("namespace")) for r in resources if ":MetricAlarm" in r.kind}
    assert all(namespace.startswith(("AWS/", "None", "shop")) for namespace in namespaces)


def test_a_gradual_rollout_tells_the_pipeline_its_steps_and_alarms() -> None:
    config = plain(rollout='{"percent": 10, "minutes": 5}')
    engine = pulumi_program.MockEngine()
    rollout = pulumi_program.run(engine, stack=STACKS[0], config=config).values["rollout"]
    notifying = {r.name for r in engine.resources if r.inputs.get("alarmActions")}
    assert (rollout["percent"], rollout["minutes"]) == (10, 5)
    assert {*rollout["alarms"]} == notifying
    assert "rollout" not in pulumi_program.run(engine, stack=STACKS[0], config=plain()).values
