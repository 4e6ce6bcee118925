"""Limits of calls to AWS, in seconds, and of requests, in bytes."""

# DynamoDB answers in milliseconds. Each attempt may wait for TCP, for TLS and for the response; the
# deadline bounds their sum.
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 1, 2, 2
CALL_DEADLINE_S = 7

# API Gateway waits no longer for a response.
API_TIMEOUT_S = 29


def call_deadline_s(read_timeout_s: float = READ_TIMEOUT_S) -> float:
    """Return the deadline of a call whose attempts may wait `read_timeout_s` each."""
    return CALL_DEADLINE_S + ATTEMPTS * max(0, read_timeout_s - READ_TIMEOUT_S)


# Lambda accepts no longer request.
MAX_BODY_BYTES = 6 * 1024 * 1024
