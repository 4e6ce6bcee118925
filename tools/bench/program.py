"""`python -m tools.bench.program N`: measures the program with N endpoints."""

import json
import sys
import time

from function.declare import registry
from local import pulumi_program

API = "aws:apigateway/restApi:RestApi"


def declare(count: int) -> None:
    """Add endpoints to the program: copies of the first one on other paths."""
    first = registry.load_endpoints()[0]
    more = tuple(first._replace(path=f"/more-{number}") for number in range(1, count))
    setattr(registry, "load_endpoints", lambda: (first, *more))


def main() -> None:
    """Print the number of resources, the size of the imported document, and CPU seconds."""
    declare(int(sys.argv[1]))
    made = [one for one in pulumi_program.declared_resources("dev") if not one.component]
    size = sum(len(one.inputs["body"].encode()) for one in made if one.kind == API)
    cpu = round(time.process_time(), 3)
    print(json.dumps({"resources": len(made), "document_bytes": size, "program_cpu_s": cpu}))


if __name__ == "__main__":
    main()
