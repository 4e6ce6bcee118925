"""The locust file: clients that record every response, under steady load and in bursts."""

import json
import os
import random
import time
import uuid
from typing import Any

from locust import FastHttpUser, LoadTestShape, constant, task

REQUESTS = int(os.environ["LOAD_REQUESTS"])
STEADY, BURST = 8, 40
_STEADY_S, _BURST_S = 20, 8
_REPEATED, _ANONYMOUS = 0.1, 0.3

_calls_file = open(os.environ["LOAD_CALLS"], "w", encoding="utf-8")
_given: list[str] = []
_sent = 0


class Caller(FastHttpUser):
    """A client with a connection of its own; some requests reuse an earlier Idempotency-Key."""

    wait_time = constant(0)
    connection_timeout = network_timeout = 30.0

    @task
    def post(self) -> None:
        """Send a request and record the response."""
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
        headers = {"x-api-key": os.environ["LOAD_API_KEY"]} | (
            {"Idempotency-Key": key} if key else {}
        )
        with self.client.post("", headers=headers, catch_response=True) as answer:
            answer.success()  # the consistency check judges it
            line: dict[str, Any] = {"given": key, "status": answer.status_code, "body": answer.text}
        _calls_file.write(json.dumps(line) + "\n")
        _calls_file.flush()


class Hours(LoadTestShape):
    """Steady load with a burst in each cycle, until all requests are sent."""

    def tick(self) -> tuple[int, float] | None:
        """Return the current number of clients and their spawn rate; None ends the run."""
        if _sent >= REQUESTS:
            return None
        hour = self.get_run_time() % (_STEADY_S + _BURST_S)
        return (STEADY if hour < _STEADY_S else BURST), 100
