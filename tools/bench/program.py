"""`python -m tools.bench.program N`: measures the program with N endpoints."""

import json
import sys
import time

from function.declare import registry
from local import pulumi_program, stack_files

API = "aws:apigateway/restApi:RestApi"


def declare(count: int) -> None:
    """Add endpoints to the program: copies of the first one on other paths."""
    own = registry.load_endpoints()
    other = own[0]._replace(path_parameters=(), sample=None)
    more = (other._replace(path=f"/more-{number}") for number in range(len(own), count))
    declared = (*own, *more)
    setattr(registry, "load_endpoints", lambda: declared)


def main() -> None:
    """Print the number of resources, the size of the imported document, and CPU seconds."""
    declare(int(sys.argv[1]))
    made = [
        one
        for one in pulumi_program.declared_resources(stack_files.default_stack())
        if not one.component
    ]
    size = sum(len(one.inputs["body"].encode()) for one in made if one.kind == API)
    cpu = round(time.process_time(), 3)
    print(json.dumps({"resources": len(made), "document_bytes": size, "program_cpu_s": cpu}))


if __name__ == "__main__":
    main()
