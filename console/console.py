"""The page of a local run, which only this machine can open."""

import secrets
import socket

from console.request_log import RequestLog
from local import pulumi_program


class Console:
    """The page; its `url` is known before the stack is up, and served afterwards.

    The token in the URL grants access. `environment` tells the emulator where to send its reports.
    """

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.resources: dict[str, pulumi_program.Resource] = {}
        self.token = secrets.token_urlsafe(24)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/{self.token}/"
        self.environment = {"EPOCH_EVENTS_ADDRESS": self.request_log.address}

    def add_resource(self, resource: pulumi_program.Resource) -> None:
        """Add or replace a resource of the stack."""
        self.resources[resource.urn] = resource
