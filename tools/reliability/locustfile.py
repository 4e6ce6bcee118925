"""What locust runs: callers that write down every answer, in steady hours and in bursts."""

import json
import os
import random
import time
import uuid
from typing import Any

from locust import FastHttpUser, LoadTestShape, constant, task

REQUESTS = int(os.environ["PROVE_REQUESTS"])
STEADY, BURST = 8, 40
_STEADY_S, _BURST_S = 20, 8
_REPEATED, _ANONYMOUS = 0.1, 0.3

_ledger = open(os.environ["PROVE_LEDGER"], "w", encoding="utf-8")
_given: list[str] = []
_sent = 0


class Caller(FastHttpUser):
    """A client with a connection of its own; some calls repeat an earlier one's key."""

    wait_time = constant(0)
    connection_timeout = network_timeout = 30.0

    @task
    def post(self) -> None:
        """Send one request and write down what came of it."""
        global _sent
        if _sent >= REQUESTS:
            time.sleep(0.1)
            return
        _sent += 1
        choice, key = random.random(), ""
        if choice < _REPEATED and _given:
            key = random.choice(_given)
        elif choice < 1 - _ANONYMOUS:
            key = str(uuid.uuid4())
            _given.append(key)
        headers = {"x-api-key": os.environ["PROVE_KEY"]} | ({"Idempotency-Key": key} if key else {})
        with self.client.post("", headers=headers, catch_response=True) as answer:
            answer.success()  # what an answer is worth, the ledger tells
            line: dict[str, Any] = {"given": key, "status": answer.status_code, "body": answer.text}
        _ledger.write(json.dumps(line) + "\n")
        _ledger.flush()


class Hours(LoadTestShape):
    """Steady load with a burst in each cycle, until every request is sent."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many callers there are now; None ends the run."""
        if _sent >= REQUESTS:
            return None
        hour = self.get_run_time() % (_STEADY_S + _BURST_S)
        return (STEADY if hour < _STEADY_S else BURST), 100
