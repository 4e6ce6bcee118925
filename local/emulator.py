"""`python -m local.emulator`: MiniStack, whose API Gateway and IAM do as AWS's.

MiniStack believes the first address of X-Forwarded-For. AWS believes the peer of the connection,
which here is always loopback, and appends it to the header.
"""

from typing import Any

from ministack import app
from ministack.services import apigateway_v1

from local import authorization

PEER = "127.0.0.1"

# pylint: disable=protected-access
_build = apigateway_v1._build_lambda_event_v1
_find_key = apigateway_v1._resolve_api_key


def _event(*args: Any, **options: Any) -> dict[str, Any]:
    event: dict[str, Any] = _build(*args, **options)
    for name, value in list(event["headers"].items()):
        if name.lower() == "x-forwarded-for":
            del event["headers"][name]
            event["headers"]["X-Forwarded-For"] = f"{value}, {PEER}"
    event["headers"].setdefault("X-Forwarded-For", PEER)
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    identity = event["requestContext"]["identity"]
    identity["sourceIp"] = PEER
    key = _find_key(event["headers"].get("x-api-key"))
    identity["apiKeyId"] = key["id"] if key else None
    return event


if __name__ == "__main__":
    apigateway_v1._build_lambda_event_v1 = _event
    authorization.install()
    app.main()
