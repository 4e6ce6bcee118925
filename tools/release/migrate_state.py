"""`python -m tools.release.migrate_state`: takes out of a stack's state what API Gateway's
import makes now.

Stacks of earlier versions declare each route, model and answer as a resource of its own. Pulumi
would delete them last, and with them what the import has just made under the same ids. Forgotten,
they are the import's alone. Reads an export of the stack on stdin, writes the state on stdout:

    pulumi stack export -s dev | python -m tools.release.migrate_state | pulumi stack import -s dev
"""

import json
import sys
from typing import Any

from tools import cli

KINDS = frozenset(
    f"aws:apigateway/{kind}"
    for kind in (
        *("documentationPart:DocumentationPart", "integration:Integration", "method:Method"),
        *("methodResponse:MethodResponse", "model:Model", "resource:Resource"),
        *("requestValidator:RequestValidator", "response:Response"),
    )
)


def forget(state: dict[str, Any]) -> dict[str, Any]:
    """Return the export of a stack without those resources, and without what refers to them."""
    resources = state["deployment"].get("resources", [])
    gone = {resource["urn"] for resource in resources if resource["type"] in KINDS}

    def without(urns: list[str]) -> list[str]:
        return [urn for urn in urns if urn not in gone]

    kept = [
        resource
        | {"dependencies": without(resource.get("dependencies") or [])}
        | {
            "propertyDependencies": {
                name: without(urns or [])
                for name, urns in (resource.get("propertyDependencies") or {}).items()
            }
        }
        for resource in resources
        if resource["urn"] not in gone
    ]
    return state | {"deployment": state["deployment"] | {"resources": kept}}


def main() -> int:
    """Return 0 when the state was written."""

    def filtered() -> list[str]:
        json.dump(forget(json.load(sys.stdin)), sys.stdout, indent=4)
        return []

    return cli.run(filtered)


if __name__ == "__main__":
    sys.exit(main())
