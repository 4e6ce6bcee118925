"""`python -m tools.bench.program N`: what the program declares with N endpoints, and its own
CPU."""

import json
import sys
import time

from function import endpoints
from local import pulumi_program

API = "aws:apigateway/restApi:RestApi"


def declare(count: int) -> None:
    """Have the program declare so many endpoints: the first one, on further paths."""
    first = endpoints.declared()[0]
    more = tuple(first._replace(path=f"/more-{number}") for number in range(1, count))
    setattr(endpoints, "declared", lambda: (first, *more))


def main() -> None:
    """Print resources, the imported document's bytes, and CPU seconds from exec to the end."""
    declare(int(sys.argv[1]))
    made = [one for one in pulumi_program.declared_resources("dev") if not one.component]
    size = sum(len(one.inputs["body"].encode()) for one in made if one.kind == API)
    cpu = round(time.process_time(), 3)
    print(json.dumps({"resources": len(made), "document_bytes": size, "program_cpu_s": cpu}))


if __name__ == "__main__":
    main()
