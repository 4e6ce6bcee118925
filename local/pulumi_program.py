"""Runs a Pulumi program without the Pulumi CLI: the SDK's runtime with an engine of this project.

The local run, the tests, the scan and the diagram all read the program through this module.
"""

import asyncio
import importlib
import logging
import runpy
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime.settings import SETTINGS, configure, set_root_resource

from local.stack_files import ROOT, Secret, project_name, stack_config

# The SDK's own log is for deployments; an error is raised as well.
_LOGGER = logging.getLogger("local.pulumi_program")
_LOGGER.setLevel(logging.ERROR)

Properties = dict[str, Any]


class ProgramError(RuntimeError):
    """The program exits by itself, loses an error, or calls an unknown provider function."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as the program registers it.

    `kind` is Pulumi's type token, for example `aws:dynamodb/table:Table`. `inputs` have the
    provider's camelCase names, secrets in the clear; `secret` names the inputs that hold one.
    `parent` is the URN of the parent; a top-level component's is the stack's. `depends_on` are
    the URNs of its dependencies.
    """

    kind: str
    name: str
    urn: str
    parent: str
    inputs: Properties
    secret: frozenset[str] = frozenset()
    protect: bool = False
    retained: bool = False
    depends_on: tuple[str, ...] = ()
    custom: bool = True

    @property
    def component(self) -> bool:
        """True for a ComponentResource, which no provider sees."""
        return self.kind.startswith("epoch:") or not self.custom


class Engine(Protocol):
    """The interface that replaces Pulumi's engine and the AWS provider in an account.

    `partition` is the one of its ARNs, for example `aws`.
    """

    account: str
    partition: str

    def create(self, resource: Resource) -> tuple[str, Properties]:
        """Return the id and the outputs of a registered resource. Called from several threads."""

    def policy(self, arn: str) -> str:
        """Return the document of an IAM policy that exists before the stack does."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """A stack's outputs; in a preview an unknown one is None. `secret` names the secret ones."""

    values: Properties
    secret: frozenset[str]


class _Monitor(mocks.MockMonitor, mocks.Mocks):
    """Pulumi's mock monitor, which passes the whole registration to an Engine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(self)
        self.engine = engine
        self.request = threading.local()
        self.failed: Exception | None = None

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return a URN in the engine's format: a stack is not part of its children's URNs."""
        of_stack = "::pulumi:pulumi:Stack::" in parent
        return str(super().make_urn("" if of_stack else parent, type_, name))

    def RegisterResource(self, request: Any) -> Any:
        self.request.current = request
        try:
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]
        except Exception as error:
            self.failed = self.failed or error
            raise

    def call(self, args: mocks.MockCallArgs) -> Any:
        return invoke(self.engine, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, Properties]:
        request = self.request.current
        resource = Resource(
            kind=args.typ,
            name=args.name,
            urn=self.make_urn(request.parent, args.typ, args.name),
            parent=request.parent,
            inputs=unwrap(args.inputs),
            secret=frozenset(name for name, value in args.inputs.items() if _has_secret(value)),
            protect=request.protect,
            retained=request.retainOnDelete,
            depends_on=tuple(sorted(request.dependencies)),
            custom=request.custom,
        )
        identity, outputs = self.engine.create(resource)
        if resource.component:
            return None, {}
        hidden = {*resource.secret, *request.additionalSecretOutputs} & outputs.keys()
        return identity, outputs | {name: rpc.wrap_rpc_secret(outputs[name]) for name in hidden}


def invoke(engine: Engine, function: str, args: Properties) -> Properties:
    """Return the result of one of the provider's functions, which create nothing."""
    if function == "aws:index/getCallerIdentity:getCallerIdentity":
        return {"accountId": engine.account}
    if function == "aws:index/getPartition:getPartition":
        return {"partition": engine.partition}
    if function == "aws:iam/getPolicy:getPolicy":
        return {"policy": engine.policy(args["arn"])}
    raise ProgramError(
        f"{function}: the local run does not know this provider function; add it to `invoke` in "
        "local/pulumi_program.py"
    )


def _has_secret(value: Any) -> bool:
    """Return True if a value holds a secret at any depth."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return rpc.is_rpc_secret(value) or any(map(_has_secret, inner))


def unwrap(value: Any) -> Any:
    """Return secrets in the clear, and whole floats as integers: protobuf has only doubles."""
    if rpc.is_rpc_secret(value):
        return unwrap(value["value"])
    if isinstance(value, dict):
        return {key: unwrap(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass
class MockEngine:
    """An engine that creates nothing: it records resources and returns plausible AWS outputs.

    Ids, names and ARNs follow from the logical name, so two runs record the same. In `preview`
    it knows only the inputs, as a first `pulumi preview` does. `limits` is the document of every
    existing IAM policy.
    """

    preview: bool = False
    region: str = "eu-central-1"
    account: str = "123456789012"
    partition: str = "aws"
    resources: list[Resource] = field(default_factory=list)
    limits: str = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'

    def policy(self, arn: str) -> str:
        """Return the limits."""
        del arn
        return self.limits

    def create(self, resource: Resource) -> tuple[str, Properties]:
        """Record the resource; return made-up values for each attribute that the program reads."""
        self.resources.append(resource)
        if self.preview:
            return "", {}
        name = resource.inputs.get("name", resource.name)
        service = resource.kind.split("/")[0].removeprefix("aws:")
        of = f"{resource.inputs['functionName']}:" if resource.kind.endswith(":Alias") else ""
        arn = f"arn:{self.partition}:{service}:{self.region}:{self.account}:{of}{name}"
        of_service = {
            "apigateway": {
                "executionArn": arn,
                "invokeUrl": f"https://{resource.name}.example/{resource.inputs.get('stageName')}",
                "regionalDomainName": f"{resource.name}.example",
                "regionalZoneId": f"{resource.name}-zone",
                "region": self.region,
                "value": f"value-of-{resource.name}",
            },
            "dynamodb": {"streamArn": f"{arn}/stream/label"},
            "lambda": {"invokeArn": f"{arn}/invocations", "version": "1"},
            "secretsmanager": {"secretArn": arn},
            "sqs": {"url": f"https://{service}.example/{name}"},
        }
        made = {"arn": arn, "name": name, **of_service.get(service, {}), **resource.inputs}
        return f"{resource.kind.rpartition(':')[2]}-{resource.name}", made


def declared_resources(
    stack: str, *, preview: bool = False, config: Mapping[str, str] | None = None
) -> list[Resource]:
    """Return the resources that the program declares for a stack, sorted by URN."""
    engine = MockEngine(preview=preview)
    run(engine, stack=stack, preview=preview, config=config)
    return sorted(engine.resources, key=lambda resource: resource.urn)


@contextmanager
def reloaded_modules() -> Iterator[None]:
    """Reload the program's modules within the block; restore the former ones if it fails."""
    own = {
        "customize",
        "infrastructure",
        *(file.parent.name for file in ROOT.glob("*/__init__.py")),
    } - {*("console", "emulator", "local", "tests", "tools")}

    def remove() -> dict[str, Any]:
        names = [name for name in sys.modules if name.partition(".")[0] in own]
        return {name: sys.modules.pop(name) for name in names}

    former, writes_none = remove(), sys.dont_write_bytecode
    importlib.invalidate_caches()
    # Bytecode carries a source's time in whole seconds: a file saved twice in one would be stale.
    sys.dont_write_bytecode = True
    try:
        yield
    except BaseException:
        remove()
        sys.modules.update(former)
        raise
    finally:
        sys.dont_write_bytecode = writes_none


def run(
    engine: Engine,
    *,
    stack: str,
    preview: bool = False,
    config: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Outputs:
    """Run the program in `folder` against `engine`; return the outputs, secrets in the clear.

    `config` replaces Pulumi.<stack>.yaml. The first failed registration ends the run, even if
    others still wait. Raises ProgramError if the program exits by itself.
    """
    loop = asyncio.new_event_loop()
    given = stack_config(stack, folder) if config is None else config
    try:
        return loop.run_until_complete(_run(engine, stack, preview, given, folder))
    except SystemExit as end:
        raise ProgramError(f"the program exited by itself: {end}") from end
    finally:
        loop.close()


async def _run(
    engine: Engine, stack: str, preview: bool, config: Mapping[str, str], folder: Path
) -> Outputs:
    monitor = _Monitor(engine)
    set_root_resource(None)  # type: ignore[arg-type]
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            engine=mocks.MockEngine(_LOGGER),
            project=project_name(folder),
            stack=stack,
            dry_run=preview,
        )
    )
    SETTINGS.outputs.clear()  # a failed run leaves outputs of its closed loop
    secrets = [key for key, value in config.items() if isinstance(value, Secret)]
    pulumi.runtime.set_all_config(dict(config), secrets)
    tasks = [asyncio.create_task(_outputs(folder)), asyncio.create_task(_failure())]
    (done, *_), _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    others = asyncio.all_tasks() - {asyncio.current_task(), done}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if monitor.failed:  # the failure of a dependent registration may arrive first
        raise monitor.failed
    outputs: Outputs = await done
    return outputs


async def _outputs(folder: Path) -> Outputs:
    def program() -> None:
        runpy.run_path(str(folder))  # puts the folder on the path, as Pulumi does

    await runtime_stack.run_in_stack(program)
    root = pulumi.runtime.get_root_resource()
    assert isinstance(root, runtime_stack.Stack)
    outputs = {name: pulumi.Output.from_input(value) for name, value in root.outputs.items()}
    return Outputs(
        values={name: await output.future() for name, output in outputs.items()},
        secret=frozenset({name for name, output in outputs.items() if await output.is_secret()}),
    )


async def _failure() -> Outputs:
    """Raise the first failure of a registration, or an exception that nothing awaits.

    Pulumi's runtime would continue to wait for the dependents of a failed resource.
    """
    calls = SETTINGS.rpc_manager
    lost: list[Exception] = []

    def keep(_: object, context: Properties) -> None:
        lost.append(context.get("exception") or ProgramError(context["message"]))

    asyncio.get_running_loop().set_exception_handler(keep)
    while calls.unhandled_exception is None and not lost:
        await asyncio.sleep(0.05)
    raise calls.unhandled_exception or lost[0]
