"""`python -m openapi`: prints the OpenAPI document of the declared endpoints."""

import json
import sys

from function import faults
from function.endpoints import VERSION, declared
from openapi.document import api_info, build


def document_text() -> str:
    """Return the text of docs/openapi.json."""
    return json.dumps(build(declared(), api_info(VERSION)), indent=2) + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(document_text())
    except (Exception, SystemExit) as fault:  # pylint: disable=broad-exception-caught
        if not (told := faults.told(fault)):
            raise
        sys.exit(f"error: {told}")
