"""Calls the API of a running stack, local or deployed."""

from collections.abc import Callable, Mapping
from typing import Any

from function.declare.schema import EMPTY_MAPPING
from local.local_stack import Found, Reply, send, wait_for


class RunningStack:
    """A running stack, with its outputs.

    `token` returns a token of the test issuer, which a deployed stack does not accept:
    `running.token("jwt", sub="ada", scope="orders:read")`.
    """

    def __init__(self, outputs: Mapping[str, Any], token: Callable[..., str]) -> None:
        self.outputs = outputs
        self.token = token

    def call(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = EMPTY_MAPPING,
        body: Any = None,
        api_key: str | None = None,
        token: str = "",
    ) -> Reply:
        """Return the response to a request; `target` is its path with the query.

        A body that is neither str nor bytes is sent as JSON. `api_key` is the value of a key, by
        default of the stack's; "" sends none. `token` is sent as `Authorization: Bearer …`.
        """
        key = self.outputs["default_api_key"] if api_key is None else api_key
        sent = {"x-api-key": key, **({"Authorization": f"Bearer {token}"} if token else {})}
        return send(method, self.outputs["api_url"] + target, {**sent, **headers}, body)

    def wait_for(self, read: Callable[[], Found], timeout_s: float = 30) -> Found:
        """Return the first true result of `read`, such as the effect of a job.

        Raises TimeoutError after `timeout_s` seconds.
        """
        if not (found := wait_for(read, timeout_s)):
            raise TimeoutError(f"the stack had no such effect within {timeout_s} s")
        return found
