"""Runs a Pulumi program without the Pulumi CLI: the SDK's own runtime, with an engine of ours.

The one way in which the local run, the tests, the scan and the diagram read the program.
"""

import asyncio
import importlib
import json
import logging
import os
import re
import runpy
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pulumi
import yaml
from pulumi.runtime import mocks
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime.settings import SETTINGS, set_root_resource

ROOT = Path(__file__).parent.parent

# How long a program may wait without any resource being registered.
IDLE_S = 10

# What a program logs is for who deploys it; an error is raised, too.
_LOGGER = logging.getLogger("local.program")
_LOGGER.setLevel(logging.ERROR)

Properties = dict[str, Any]


class Secret(str):
    """A value of a stack's config that is secret."""


# How Pulumi marks a secret that crosses to the engine or back: this entry beside its `value`.
_MARK = "4dabf18193072939515e22adb298388d"  # pragma: allowlist secret
_SECRET = {_MARK: "1b47061264138c4ac30d75fd1eb44270"}  # pragma: allowlist secret


class ProgramError(RuntimeError):
    """Pulumi.yaml or a stack's config cannot be read, or the program calls what nobody answers."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as the program registers it.

    `kind` is Pulumi's type token, for example `aws:dynamodb/table:Table`; `inputs` have the
    provider's camelCase names, secrets in the clear, and `secret` names those of them that hold
    one; `parent` is the URN of the parent, the stack's for a component at the top; `depends_on`
    are the URNs of all that it waits for.
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

    @property
    def component(self) -> bool:
        """Whether it is a ComponentResource, of which a provider never hears."""
        return self.kind.startswith("epoch:")


class Engine(Protocol):
    """What takes the place of Pulumi's engine and the AWS provider."""

    def create(self, resource: Resource) -> tuple[str, Properties]:
        """Return the id and the outputs of a registered resource. Called from several threads."""

    def policy(self, arn: str) -> str:
        """Return the document of a policy of IAM that is there before the stack is."""

    @property
    def account(self) -> str:
        """The id of the AWS account."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """A stack's outputs; one that a preview does not know yet is None. `secret` names secrets."""

    values: Properties
    secret: frozenset[str]


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which hands the whole registration to an Engine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(_Answers(self))
        self.engine = engine
        self.request = threading.local()
        self.busy: list[Any] = []
        self.answered = 0
        self.failed: Exception | None = None

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return a URN as the engine makes it: the stack itself is no part of its children's."""
        of_stack = "::pulumi:pulumi:Stack::" in parent
        return str(super().make_urn("" if of_stack else parent, type_, name))

    def RegisterResource(self, request: Any) -> Any:
        self.request.current = request
        self.busy.append(request)
        try:
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]
        except Exception as error:
            self.failed = self.failed or error
            raise
        finally:
            self.busy.pop()
            self.answered += 1


def answer(engine: Engine, function: str, args: Properties) -> Properties:
    """Return what one of the provider's functions, which make nothing, answers."""
    if function == "aws:index/getCallerIdentity:getCallerIdentity":
        return {"accountId": engine.account}
    if function == "aws:iam/getPolicy:getPolicy":
        return {"policy": engine.policy(args["arn"])}
    raise ProgramError(
        f"{function}: nothing here answers this function; answer it in local/program.py"
    )


class _Answers(mocks.Mocks):
    def __init__(self, monitor: _Monitor) -> None:
        self._monitor = monitor

    def call(self, args: mocks.MockCallArgs) -> Any:
        return answer(self._monitor.engine, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, Properties]:
        request = self._monitor.request.current
        resource = Resource(
            kind=args.typ,
            name=args.name,
            urn=self._monitor.make_urn(request.parent, args.typ, args.name),
            parent=request.parent,
            inputs=whole(args.inputs),
            secret=frozenset(name for name, value in args.inputs.items() if _hides(value)),
            protect=request.protect,
            retained=request.retainOnDelete,
            depends_on=tuple(sorted(request.dependencies)),
        )
        if resource.component:
            self._monitor.engine.create(resource)
            return None, {}
        identity, outputs = self._monitor.engine.create(resource)
        hidden = {*resource.secret, *request.additionalSecretOutputs} & outputs.keys()
        return identity, outputs | {name: _SECRET | {"value": outputs[name]} for name in hidden}


def _hides(value: Any) -> bool:
    """Return whether a secret is in a value, at any depth."""
    if isinstance(value, dict):
        return _MARK in value or any(map(_hides, value.values()))
    return isinstance(value, list) and any(map(_hides, value))


def whole(value: Any) -> Any:
    """Return secrets in the clear, and whole floats as integers: protobuf has only doubles."""
    if isinstance(value, dict):
        if _MARK in value:
            return whole(value["value"])
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass
class Recorder:
    """An engine that creates nothing: it records, and answers as the AWS provider would.

    Ids, names and ARNs follow from the logical name, so two runs record the same. In `preview`
    it knows no more than the inputs, as on a first `pulumi preview`. `limits` is what the policies
    that are there before say.
    """

    preview: bool = False
    region: str = "eu-central-1"
    account: str = "123456789012"
    resources: list[Resource] = field(default_factory=list)
    limits: str = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def policy(self, arn: str) -> str:
        """Return the limits."""
        del arn
        return self.limits

    def create(self, resource: Resource) -> tuple[str, Properties]:
        """Record the resource; every attribute of AWS's that the program reads is made up."""
        with self._lock:
            self.resources.append(resource)
        if self.preview:
            return "", {}
        name = resource.inputs.get("name", resource.name)
        service = resource.kind.split("/")[0].removeprefix("aws:")
        arn = f"arn:aws:{service}:{self.region}:{self.account}:{name}"
        return f"{resource.kind.rpartition(':')[2]}-{resource.name}", {
            "arn": arn,
            "executionArn": arn,
            "invokeArn": f"{arn}/invocations",
            "invokeUrl": f"https://{resource.name}.example/{resource.inputs.get('stageName')}",
            "name": name,
            "region": self.region,
            "regionalDomainName": f"{resource.name}.example",
            "regionalZoneId": f"{resource.name}-zone",
            "secretArn": arn,
            "rootResourceId": f"{resource.name}-root",
            "streamArn": f"{arn}/stream/label",
            "url": f"https://{service}.example/{name}",
            "value": f"value-of-{resource.name}",
            "version": "1",
            **resource.inputs,
        }


def declare(
    stack: str, *, preview: bool = False, config: Mapping[str, str] | None = None
) -> list[Resource]:
    """Return what the program declares for a stack, sorted by URN."""
    recorder = Recorder(preview=preview)
    run(recorder, stack=stack, preview=preview, config=config)
    return sorted(recorder.resources, key=lambda resource: resource.urn)


def _load(path: Path) -> Properties:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ProgramError(f"{path.name} is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = re.sub(r"\s+", " ", str(error))
        raise ProgramError(f"{path.name} is not valid YAML: {where}") from None
    if not isinstance(content, dict):
        raise ProgramError(f"{path.name} must be a mapping")
    return content


def project_name(folder: Path = ROOT) -> str:
    """Return the name in Pulumi.yaml."""
    return str(_load(folder / "Pulumi.yaml").get("name"))


def stacks(folder: Path = ROOT) -> list[str]:
    """Return the stacks that have a Pulumi.<stack>.yaml."""
    files = sorted(folder.glob("Pulumi.*.yaml"))
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files]


def default_stack(folder: Path = ROOT) -> str:
    """Return the stack that is meant where none is named: dev, or else the first there is.

    Raises ProgramError where there is none.
    """
    if not (known := stacks(folder)):
        raise ProgramError("there is no stack: write a Pulumi.<stack>.yaml, for example of dev")
    return "dev" if "dev" in known else known[0]


def stack_config(stack: str, folder: Path = ROOT) -> dict[str, str]:
    """Return a stack's config as the CLI hands it to a program: as strings, by `namespace:key`.

    Pulumi.<stack>.yaml goes before what Pulumi.yaml says for all. A `secure:` value, which only
    the CLI can read, is a Secret that stands for it.
    """
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        known = ", ".join(stacks(folder))
        raise ProgramError(f"{file.name} is missing: there is no stack {stack}, but {known}")
    shared, own = _load(folder / "Pulumi.yaml").get("config", {}), _load(file).get("config", {})
    for name, values in (("Pulumi.yaml", shared), (file.name, own)):
        if not isinstance(values, dict):
            raise ProgramError(f"{name}: 'config' must be a mapping")
    return _named(file, shared, folder, _shared) | _named(file, own, folder, _raw)


def local_config(stack: str, folder: Path = ROOT) -> dict[str, str]:
    """Return a stack's config with the secrets of secrets.<stack>.yaml, which git ignores.

    Raises ProgramError for a secret that is not there. With EPOCH_SECRETS=stand-in, which tests and
    CI set, whatever stands for it will do.
    """
    config, file = stack_config(stack, folder), folder / f"secrets.{stack}.yaml"
    given = _named(file, _load(file), folder, _raw) if file.exists() else {}
    secrets = {key: Secret(value) for key, value in given.items()}
    for key, value in config.items():
        missing = isinstance(value, Secret) and key not in secrets
        if missing and os.environ.get("EPOCH_SECRETS") != "stand-in":
            raise ProgramError(
                f"{key} is encrypted in Pulumi.{stack}.yaml: write a value for this machine into "
                f"{file.name}, which git ignores, as a line `{key.partition(':')[2]}: …`"
            )
    return config | secrets


def _named(
    file: Path, values: Properties, folder: Path, raw: Callable[[Any], str | None]
) -> dict[str, str]:
    """Return values as strings; a key without a namespace is the project's."""
    found: dict[str, str] = {}
    for given, value in values.items():
        key = str(given) if ":" in str(given) else f"{project_name(folder)}:{given}"
        if key in found:
            raise ProgramError(f"{file.name}: {key} is given twice, also as {given}")
        if (text := raw(value)) is not None:
            found[key] = text
    return found


def _shared(value: Any) -> str | None:
    """Return what Pulumi.yaml gives a key: a literal, or a mapping's `value` or `default`."""
    if isinstance(value, dict):
        value = value.get("value", value.get("default"))
    return None if value is None else _raw(value)


def _raw(value: Any) -> str:
    if _is_sealed(value):
        return Secret("encrypted")
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def modules_anew() -> Iterator[None]:
    """Import the program's modules anew within; those from before are back where it fails."""
    own = {"customize", *(file.parent.name for file in ROOT.glob("*/__init__.py"))} - {
        *("console", "emulator", "local", "tests", "tools")
    }

    def take() -> dict[str, Any]:
        names = [name for name in sys.modules if name.partition(".")[0] in own]
        return {name: sys.modules.pop(name) for name in names}

    former, writes_none = take(), sys.dont_write_bytecode
    importlib.invalidate_caches()
    # Bytecode is told from older by the second.
    sys.dont_write_bytecode = True
    try:
        yield
    except BaseException:
        take()
        sys.modules.update(former)
        raise
    finally:
        sys.dont_write_bytecode = writes_none


def _is_sealed(value: Any) -> bool:
    """Return whether a `secure:` value is in a value, at any depth."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(_is_sealed, value.values()))
    return isinstance(value, list) and any(map(_is_sealed, value))


class _Loader(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """YAML in which a key is given once, as the CLI reads it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; raises a YAMLError for a key that is given twice."""
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
        return super().construct_mapping(node, deep)


def run(
    engine: Engine,
    *,
    stack: str,
    preview: bool = False,
    config: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Outputs:
    """Run the program in `folder` against `engine`; return the outputs, secrets in the clear.

    `config` takes the place of Pulumi.<stack>.yaml. The first error of a registration ends the
    run, whatever still waits. Raises ProgramError where the program ends itself, or waits for
    what never comes.
    """
    values: Properties = {}
    secret: set[str] = set()

    def entry() -> None:
        runpy.run_path(str(folder))  # puts the folder on the path, as Pulumi does

    async def execute(monitor: _Monitor) -> None:
        set_root_resource(None)  # type: ignore[arg-type]
        mocks.set_mocks(
            monitor.mocks,
            project=project_name(folder),
            stack=stack,
            preview=preview,
            logger=_LOGGER,
            monitor=monitor,
        )
        SETTINGS.outputs.clear()  # those of a run that failed, whose loop is closed
        values_given = stack_config(stack, folder) if config is None else config
        secret_keys = [key for key, value in values_given.items() if isinstance(value, Secret)]
        pulumi.runtime.set_all_config(dict(values_given), secret_keys)
        await runtime_stack.run_pulumi_func(entry)
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, runtime_stack.Stack)
        for name, value in root.outputs.items():
            output = pulumi.Output.from_input(value)
            values[name] = await output.future()
            if await output.is_secret():
                secret.add(name)

    async def execute_or_fail() -> None:
        monitor = _Monitor(engine)
        both = [asyncio.ensure_future(execute(monitor)), asyncio.ensure_future(_failure(monitor))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        done = next(task for task in reversed(both) if task.done())
        others = asyncio.all_tasks() - {asyncio.current_task(), done}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if monitor.failed:  # a registration that waited for the failed one may be heard of first
            raise monitor.failed
        await done

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(execute_or_fail())
    except SystemExit as end:
        raise ProgramError(f"the program ended itself: {end}") from end
    finally:
        loop.close()
    return Outputs(values=values, secret=frozenset(secret))


async def _failure(monitor: _Monitor) -> None:
    """Raise the first error of a registration, one that nobody waits for, or that nothing has
    moved for IDLE_S seconds.

    Pulumi's runtime would go on to wait for resources that wait for the failed one.
    """
    calls = SETTINGS.rpc_manager
    lost: list[Exception] = []

    def keep(_: object, context: Properties) -> None:
        lost.append(context.get("exception") or ProgramError(context["message"]))

    asyncio.get_running_loop().set_exception_handler(keep)
    moved, since = -1, 0.0
    while calls.unhandled_exception is None and not lost:
        if monitor.busy or monitor.answered != moved:
            moved, since = monitor.answered, time.monotonic()
        elif time.monotonic() - since > IDLE_S:
            raise ProgramError("the program waits for something that never comes")
        await asyncio.sleep(0.05)
    raise calls.unhandled_exception or lost[0]
