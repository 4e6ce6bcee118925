"""Problem documents: the API's error responses (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from function.declare.schema import EMPTY_MAPPING, Schema

# `requestId` is API Gateway's id of the request; the access log holds it too.
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
    """Return a document of PROBLEM_SCHEMA; its title is the status in words."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "requestId": request_id,
    }


class Problem(Exception):
    """An error response: raise it in an endpoint to send a problem document (RFC 9457).

    `status` is an HTTP status from 400 to 599. `detail` reaches the client, so it must not name
    tables, ARNs or other internals. `members` are further members of the document; `type` (a URI)
    and `title` are possible too. `log_fields` are those of a Response. Raises ValueError for
    another status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] = EMPTY_MAPPING,
        members: Mapping[str, Any] = EMPTY_MAPPING,
        log_fields: Mapping[str, str | bool] = EMPTY_MAPPING,
    ) -> None:
        if HTTPStatus(status) < 400:
            raise ValueError(f"the status of a problem must be from 400 to 599, not {status}")
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.members = members
        self.log_fields = log_fields
