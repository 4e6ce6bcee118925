"""The page of a local run, which only this machine can open."""

import secrets
import socket
from collections.abc import Mapping

from console.request_log import RequestLog
from local import pulumi_program


class Console:
    """The page; its address is known before the stack is up, and served afterwards."""

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.resources: dict[str, pulumi_program.Resource] = {}
        self.token = secrets.token_urlsafe(24)
        self.socket = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The page's address, whose token grants access."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variable with the address for the emulator's reports."""
        return {"EPOCH_EVENTS_ADDRESS": self.request_log.address}

    def add_resource(self, resource: pulumi_program.Resource) -> None:
        """Add or replace a resource of the stack."""
        self.resources[resource.urn] = resource
