"""The caller of a request: from API Gateway alone, by the endpoint's own authentication."""

import json
from typing import Any

import pytest

from function.declare.auth import KINDS, ApiKey, Auth, Iam, Identity, Public
from function.declare.endpoint import Request, Response
from function.runtime import identity
from tests.fixtures import notes

pytestmark = pytest.mark.usefixtures("service")
ARN = "arn:aws:sts::123456789012:assumed-role/reader/session"


def called(auth: Auth, context: dict[str, Any], **event: Any) -> tuple[int, Identity | None]:
    """Return the status, and the identity that the handler sees."""
    seen: list[Identity] = []

    def handle(request: Request[Any]) -> Response:
        seen.append(request.identity)
        return Response(status=200, body={})

    endpoint = notes.endpoint(handle=handle, auth=auth)
    answer = notes.call(endpoint, requestContext=context, **event)
    return answer["statusCode"], seen[0] if seen else None


def test_every_kind_of_authentication_has_a_reader() -> None:
    assert identity.READERS.keys() == KINDS.keys()


def test_the_id_of_the_api_key_is_the_identity() -> None:
    assert called(ApiKey(), {"identity": {"apiKeyId": "abc"}}) == (200, Identity("abc"))


def test_a_public_endpoint_has_no_caller_whatever_the_event_holds() -> None:
    context = {"identity": {"apiKeyId": "abc", "userArn": ARN}, "authorizer": {"principalId": "p"}}
    assert called(Public(), context) == (200, Identity())


def test_the_arn_of_the_signer_is_the_identity() -> None:
    context = {"identity": {"userArn": ARN, "accountId": "123456789012", "user": None}}
    claims = {"accountId": "123456789012", "userArn": ARN}
    assert called(Iam(), context) == (200, Identity(ARN, claims))


@pytest.mark.parametrize("context", ({}, {"identity": None}, {"identity": {"userArn": ""}}))
def test_without_a_verified_caller_the_handler_is_not_called(context: dict[str, Any]) -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 …", "userArn": ARN, "x-amzn-userarn": ARN}
    assert called(Iam(), context, headers=headers) == (403, None)


def test_the_refusal_is_a_problem() -> None:
    answer = notes.call(notes.endpoint(auth=Iam()), requestContext={})
    assert json.loads(answer["body"])["detail"] == "The call is not allowed."
