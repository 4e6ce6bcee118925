"""`python -m openapi`: prints the document of the API that the endpoints declare."""

import json
import sys

from function.declare import diagnostics
from function.declare.registry import load_endpoints
from function.endpoints import VERSION
from openapi.document import about, document


def text() -> str:
    """Return the document as docs/openapi.json holds it."""
    return json.dumps(document(load_endpoints(), about(VERSION)), indent=2) + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(text())
    except (Exception, SystemExit) as fault:  # pylint: disable=broad-exception-caught
        if not (told := diagnostics.explain(fault)):
            raise
        sys.exit(f"error: {told}")
