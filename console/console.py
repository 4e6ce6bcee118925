"""The page of a local run: what the stack is and what it does, for this machine alone."""

import secrets
import socket
import time
from collections.abc import Mapping

from console.record import Record
from local import program


class Console:
    """A page that is announced before the stack is up, and served once it is."""

    def __init__(self) -> None:
        self.record = Record()
        self.resources: dict[str, program.Resource] = {}
        self.started = time.time()
        self.token = secrets.token_urlsafe(24)
        self.socket = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The page's address; who knows it may look."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells the emulator where to report."""
        return {"EPOCH_EVENTS_ADDRESS": self.record.address}

    def declare(self, resource: program.Resource) -> None:
        """Take a resource of the stack, or what it is now."""
        self.resources[resource.urn] = resource
