"""POST /epoch, the endpoint that the benchmark's cases and the reliability run are written for."""

from function.declare.registry import load_endpoints

ROUTE = "POST /epoch"


def is_declared() -> bool:
    """Return True if the project still has the endpoint."""
    return ROUTE in {endpoint.route for endpoint in load_endpoints()}
