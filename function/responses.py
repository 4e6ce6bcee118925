"""Your hook for every response: add a header or a member to all of them in one place."""

from typing import Any

from function.declare.endpoint import Request, Response


def customize_response(response: Response, request: Request[Any] | None) -> Response:
    """Return the response that the client receives.

    Lambda calls this for each response of an endpoint and each problem document. The deployment
    calls it once for each response that API Gateway gives by itself, such as 403 for an unknown API
    key or 429: then `request` is None, and you can only add fixed values. API Gateway takes no
    customization of its 413 and of CORS preflights.

    Example: `return response._replace(headers={**response.headers, "X-Team": "orders"})`.
    """
    del request
    return response
