"""What several test modules share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest

from local import deploy, program


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Records what the program declares, and answers as a provider would."""

    declared: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.declared.append((args.typ, args.name, args.inputs))
        computed = {
            "arn": f"arn:{args.name}",
            "name": args.name,
            "invokeArn": f"invoke:{args.name}",
            "region": "eu-central-1",
            "executionArn": f"execute:{args.name}",
            "version": "1",
            "value": f"value-of-{args.name}",
            "invokeUrl": "https://api.example/stage",
            "rootResourceId": "root",
        }
        return f"{args.name}-id", {**computed, **args.inputs}

    def one(self, kind: str) -> dict[str, Any]:
        """Return the inputs of the only resource of a type."""
        (found,) = [inputs for typ, _, inputs in self.declared if typ == kind]
        return found


@pytest.fixture(scope="session")
def local() -> Iterator[deploy.LocalStack]:
    """Return the dev stack, up in the emulator."""
    with deploy.up("dev") as stack:
        yield stack


def declare(stack: str, *, preview: bool = False, **config: str) -> Recorder:
    """Run the program under mocks, with config values on top of the stack's own."""
    recorder = Recorder()
    values = program.stack_config(stack) | {f"epoch:{key}": value for key, value in config.items()}
    program.run(recorder, stack=stack, preview=preview, config=values)
    return recorder
