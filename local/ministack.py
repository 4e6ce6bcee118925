"""Starts MiniStack on loopback, with IAM enforced and random credentials for each run."""

import importlib
import os
import re
import secrets
import socket
import string
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config
from botocore.credentials import Credentials

from local.child_process import SupervisedProcess

_START_TIMEOUT_S = 60

# Every stack needs clients of these services.
_SERVICES = ("apigateway", "cloudwatch", "dynamodb", "iam", "kms", "lambda", "logs", "sns", "sts")

# Keeps the user's AWS files away from the emulator.
_NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


class EmulatorError(RuntimeError):
    """MiniStack did not start."""


@dataclass
class MiniStack:
    """A running emulator, and clients that talk to it.

    The clients from `start` act as root of the emulated account, with credentials that only this
    run knows. `issuer` is the address of the test issuer.
    """

    account = "000000000000"

    port: int
    process: SupervisedProcess
    region: str
    credentials: Credentials
    issuer: str = ""

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        keys = self.credentials
        self._session = boto3.Session(keys.access_key, keys.secret_key, keys.token, self.region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point AWS SDKs and tools to this emulator."""
        return {
            "AWS_ACCESS_KEY_ID": self.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "AWS_SESSION_TOKEN": self.credentials.token or "",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def profile(self) -> str:
        """An AWS config file with a profile `local` for this emulator."""
        return (
            f"[profile local]\nregion = {self.region}\nendpoint_url = {self.url}\n"
            f"aws_access_key_id = {self.credentials.access_key}\n"
            f"aws_secret_access_key = {self.credentials.secret_key}\n"
        )

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service."""
        with self._lock:  # a session makes one client at a time
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self.url,
                    config=Config(
                        retries={"total_max_attempts": 1}, read_timeout=60, max_pool_connections=50
                    ),
                )
            return self._clients[service]

    def failures(self) -> list[str]:
        """Return the failures of functions, and of keeping the tables, oldest first."""
        log = self.process.folder / "failures.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def clear_aws_environment() -> None:
    """Remove the user's AWS settings from this process and its children, and bypass proxies for
    calls to this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    own = ",".join(filter(None, (direct, "127.0.0.1", "localhost")))
    os.environ.update({**_NO_FILES, "no_proxy": own})


def reserve(port: int | None) -> socket.socket:
    """Return a socket that listens on a loopback port, by default a free one."""
    try:
        return socket.create_server(("127.0.0.1", port or 0))
    except (OSError, OverflowError) as error:
        raise EmulatorError(f"cannot listen on port {port}: {error}; choose another") from None


# The emulator's variable with the address of the test issuer.
ISSUER = "EPOCH_TEST_ISSUER"

# The emulator and its workers inherit only these variables. MiniStack reads a hundred others, and
# a function on AWS sees none of the user's.
_INHERITED = re.compile(r"HOME|LANG|LC_.*|(DY)?LD_LIBRARY_PATH|PATH|PYTHON.*|TZ|.*_proxy", re.I)


def _environment(
    port: int, folder: Path, credentials: Credentials, extra: Mapping[str, str]
) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if _INHERITED.fullmatch(k)}
    return inherited | {
        "AUTH": "true",
        # Credentials of MiniStack's root user; workers get those of their role.
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # its broker would listen on every interface
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str(folder),  # by default it leaves a private key in /tmp
        "TMPDIR": str(folder),
        **_NO_FILES,
        **extra,
    }


def _wait(process: SupervisedProcess, url: str) -> None:
    # The parent's socket accepts the connection; a process that ends before its answer resets it.
    with suppress(urllib3.exceptions.HTTPError):
        health = f"{url}/_ministack/health"
        if urllib3.request("GET", health, timeout=_START_TIMEOUT_S, retries=False).status == 200:
            return
    tail = process.log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
    raise EmulatorError(f"MiniStack did not start at {url}: {tail or 'its log is empty'}")


def start(
    process: SupervisedProcess,
    *,
    region: str,
    port: int | None = None,
    environment: Mapping[str, str],
) -> MiniStack:
    """Start MiniStack as a supervised process; its Lambda workers inherit `environment`.

    Raises EmulatorError if it does not start.
    """
    # Random, in the format of a long-term access key.
    key = "AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
    credentials = Credentials(key, secrets.token_hex(20))
    with reserve(port) as reserved:
        port = reserved.getsockname()[1]
        environment = _environment(port, process.folder, credentials, environment)
        process.start("emulator", environment, reserved)
    stack = MiniStack(port, process, region, credentials, environment.get(ISSUER, ""))
    # The program needs these slow imports and clients anyway.
    importlib.import_module("components.packaging.archive")
    for service in _SERVICES:
        stack.client(service)
    _wait(process, stack.url)
    return stack
