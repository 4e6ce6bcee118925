"""Reads secret settings where they lie: in AWS Secrets Manager."""

import os
import threading
import time

from function.runtime import aws_client, telemetry

# A value that was rotated is taken up after at most so long, without a deployment.
MAX_AGE_S = 300

_lock = threading.Lock()
_known: dict[str, tuple[float, str]] = {}


def read(environment: str) -> str:
    """Return the value of the secret whose ARN a variable holds, at most MAX_AGE_S old.

    While it cannot be read, the last value known stands. Raises Problem with 503 where there is
    none and Secrets Manager is throttled or does not answer.
    """
    arn = os.environ[environment]
    with _lock:
        read_at, value = _known.get(arn, (0.0, ""))
        if value and time.monotonic() - read_at < MAX_AGE_S:
            return value
        try:
            answer = aws_client.send("secretsmanager", "get_secret_value", {}, {"SecretId": arn})
            value = str(answer["SecretString"])
        except Exception as error:  # pylint: disable=broad-exception-caught
            if not value:
                raise
            telemetry.log_exception(error)
        _known[arn] = time.monotonic(), value
    return value
