"""Reads secret settings where they lie: in AWS Secrets Manager."""

import os
import threading
import time
from functools import cache
from typing import Any

from function.contract import Problem

# A value that was rotated is taken up after at most so long, without a deployment.
MAX_AGE_S = 300

_lock = threading.Lock()
_known: dict[str, tuple[float, str]] = {}


@cache
def _client() -> Any:
    import botocore.session  # pylint: disable=import-outside-toplevel
    from botocore.config import Config  # pylint: disable=import-outside-toplevel

    timeouts = {"connect_timeout": 1, "read_timeout": 2}
    retries = {"mode": "standard", "total_max_attempts": 2}
    session = botocore.session.get_session()
    return session.create_client("secretsmanager", config=Config(retries=retries, **timeouts))


def read(environment: str) -> str:
    """Return the value of the secret whose ARN a variable holds, at most MAX_AGE_S old.

    While Secrets Manager cannot be reached, the last value known stands. Raises Problem with 503
    where there is none.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        BotoCoreError,
        ClientError,
    )

    from function import telemetry  # pylint: disable=import-outside-toplevel

    arn = os.environ[environment]
    with _lock:
        read_at, value = _known.get(arn, (0.0, ""))
        if value and time.monotonic() - read_at < MAX_AGE_S:
            return value
        try:
            with telemetry.aws_call("SecretsManager", operation="GetSecretValue"):
                value = str(_client().get_secret_value(SecretId=arn)["SecretString"])
        except (BotoCoreError, ClientError) as error:
            telemetry.log_failure(error)
            if not value:
                raise Problem(
                    503,
                    "A part of the service cannot be reached now. Repeat the request later.",
                    headers={"Retry-After": "1"},
                ) from None
        _known[arn] = time.monotonic(), value
    return value
