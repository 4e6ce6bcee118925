"""`python -m openapi`: prints the OpenAPI document of the declared endpoints."""

import json
import sys

from function.declare import diagnostics
from function.declare.registry import load_endpoints
from function.endpoints import VERSION
from openapi.document import api_info, build


def document_text() -> str:
    """Return the text of docs/openapi.json."""
    return json.dumps(build(load_endpoints(), api_info(VERSION)), indent=2) + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(document_text())
    except (Exception, SystemExit) as fault:
        if not (told := diagnostics.explain(fault)):
            raise
        sys.exit(f"error: {told}")
