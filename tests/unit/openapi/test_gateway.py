"""The API Gateway extensions of the document."""

import json

import pytest

from function.declare.endpoint import Response
from function.declare.errors import DeclarationError
from openapi import gateway


def test_the_teams_hook_customizes_api_gateways_own_responses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hook(response: Response, request: object) -> Response:
        assert request is None
        headers = {**response.headers, "X-Team": "orders"}
        return response._replace(headers=headers, body={**response.body, "help": "ask orders"})

    monkeypatch.setattr(gateway, "customize_response", hook)
    found = gateway._gateway_responses([])
    for response in found.values():
        assert response["responseParameters"]["gatewayresponse.header.X-Team"] == "'orders'"
        template = json.loads(response["responseTemplates"]["application/json"])
        assert template["help"] == "ask orders" and template["requestId"] == "$context.requestId"


def test_a_gateway_response_header_with_a_quote_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    quoted = Response(status=400, body={}, headers={"X-Team": "it's ours"})
    monkeypatch.setattr(gateway, "customize_response", lambda *_: quoted)
    with pytest.raises(DeclarationError, match="function/responses.py: X-Team"):
        gateway._gateway_responses([])
