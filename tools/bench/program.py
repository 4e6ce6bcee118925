"""`python -m tools.bench.program`: measures the program under mocks."""

import json
import time

from local import pulumi_program, stack_files

API = "aws:apigateway/restApi:RestApi"


def main() -> None:
    """Print the number of resources, the size of the imported document, and CPU seconds."""
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
