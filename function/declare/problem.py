"""The document that tells a client what went wrong (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from function.declare.schema import Schema

# RFC 9457. `requestId` is API Gateway's id of the request, to quote when asking for help.
PROBLEM_SCHEMA: Schema = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "requestId"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was wrong with this call."},
        "requestId": {"type": "string", "description": "Quote it when asking for help."},
    },
}


def problem_document(status: int, detail: str, request_id: str) -> dict[str, Any]:
    """Return a PROBLEM, whose title is the status in words."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "requestId": request_id,
    }


class Problem(Exception):
    """Raised by an endpoint to answer with a problem document (RFC 9457).

    `status` is an HTTP status from 400 to 599, else ValueError. `detail` reaches the client: it
    must name nothing of what lies behind the API.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        if HTTPStatus(status) < 400:
            raise ValueError(f"{status} is no status of a problem")
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
