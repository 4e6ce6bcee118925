"""Reads secret settings from AWS Secrets Manager."""

import os
import time

from function.runtime import aws_client, telemetry

# The function uses a rotated value after at most so many seconds, without a deployment.
MAX_AGE_S = 300

_cache: dict[str, tuple[float, str]] = {}


def read(env_var: str) -> str:
    """Return the value of the secret whose ARN an environment variable holds.

    The value is at most MAX_AGE_S old, or older while Secrets Manager cannot be read. Without an
    older value, raises Problem with 503 if Secrets Manager throttles the call or does not answer.
    """
    arn = os.environ[env_var]
    read_at, value = _cache.get(arn, (0.0, ""))
    if value and time.monotonic() - read_at < MAX_AGE_S:
        return value
    try:
        secret = aws_client.send("secretsmanager", "get_secret_value", {}, {"SecretId": arn})
        value = str(secret["SecretString"])
    except Exception as error:
        if not value:
            raise
        telemetry.log_exception(error)
    _cache[arn] = time.monotonic(), value
    return value
