"""How long calls to AWS may take."""

# DynamoDB answers in milliseconds. Each attempt may wait for TCP, for TLS and for the answer, and a
# call has its budget in all.
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 1, 2, 2
CALL_DEADLINE_S = 7


def call_deadline_s(read_s: float = READ_TIMEOUT_S) -> float:
    """Return how long a call may take in all, where an answer may take `read_s`."""
    return CALL_DEADLINE_S + ATTEMPTS * max(0, read_s - READ_TIMEOUT_S)
