"""Your hook for every response: add a header or a member to all of them in one place."""

from typing import Any

from function.declare.endpoint import Request, Response


def customize_response(response: Response, request: Request[Any] | None) -> Response:
    """Return the response for the client.

    The function calls this for each response of an endpoint and each problem document. The
    deployment calls it once for each response of API Gateway itself, such as 403 for an unknown API
    key or 429: then `request` is None, and you can only add fixed values. API Gateway's 413 and its
    CORS preflights cannot be customized. If the function's call raises, the client receives a 500
    problem.

    Example: `return response._replace(headers={**response.headers, "X-Team": "orders"})`.
    """
    del request
    return response
