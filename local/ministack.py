"""Starts MiniStack on loopback, with IAM enforced and credentials made for the run."""

import errno
import os
import re
import secrets
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from local.child_process import Leash
from local.program import ROOT

START_TIMEOUT_S = 60

# What every stack needs a client for.
_SERVICES = ("apigateway", "cloudwatch", "dynamodb", "iam", "kms", "lambda", "logs", "sns", "sts")


# What a user's own files say of AWS is not for the emulator.
_NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


class EmulatorError(RuntimeError):
    """MiniStack did not start or has gone away."""


class Credentials(NamedTuple):
    """Keys that sign calls of AWS's APIs, by the names that boto3 gives them."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str = ""

    @classmethod
    def new(cls) -> "Credentials":
        """Return random credentials in the form of a long-term access key."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        key = "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
        return cls(key, secrets.token_hex(20))


class MiniStack:
    """A running emulator, and clients that talk to it.

    The clients of the emulator that `start` returns act as root of the emulated account, by
    credentials that only this run knows; those of `acting_as` as a role.
    """

    account = "000000000000"

    def __init__(self, port: int, leash: Leash, region: str, credentials: Credentials) -> None:
        self.port = port
        self.leash = leash
        self.url = f"http://127.0.0.1:{port}"
        self.credentials = credentials
        self._region = region
        keys = {name: value for name, value in credentials._asdict().items() if value}
        self._session = boto3.Session(region_name=region, **keys)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS SDKs and tools call this emulator with its credentials."""
        return {
            **{name.upper(): value for name, value in self.credentials._asdict().items() if value},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def profile(self) -> str:
        """An AWS config file whose profile `local` calls this emulator with its credentials."""
        lines = {"region": self._region, "endpoint_url": self.url, **self.credentials._asdict()}
        return "\n".join(["[profile local]", *(f"{k} = {v}" for k, v in lines.items() if v), ""])

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
        """Return why functions failed behind API Gateway, a line each, oldest first."""
        log = self.leash.folder / "failures.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def acting_as(self, role_arn: str, token: str | None = None) -> "MiniStack":
        """Return the same emulator with clients that have assumed a role.

        They assume it as these clients, or by the `token` of an identity provider.
        """
        role = {"RoleArn": role_arn, "RoleSessionName": "local"}
        sts = self.client("sts")
        if token:
            # botocore does not sign this call, and AWS asks for no signature; the emulator does.
            sts.meta.events.register_first(
                "choose-signer.sts.AssumeRoleWithWebIdentity", lambda **_: "v4"
            )
            session = sts.assume_role_with_web_identity(**role, WebIdentityToken=token)
        else:
            session = sts.assume_role(**role)
        made = session["Credentials"]
        credentials = Credentials(
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
        )
        return MiniStack(self.port, self.leash, self._region, credentials)


def forget_surroundings() -> None:
    """Take from this process, and what it starts, what the user's shell and files say of AWS, and
    let no call to this machine go through a proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    own = ",".join(filter(None, (direct, "127.0.0.1", "localhost")))
    os.environ.update({**_NO_FILES, "no_proxy": own})


def _reserve(port: int | None) -> socket.socket:
    """Take a loopback port, a free one by default, for the emulator to listen on: between looking
    for one and listening, another process could take it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind(("127.0.0.1", port or 0))
    except OSError as error:
        reserved.close()
        if error.errno != errno.EADDRINUSE:
            raise EmulatorError(f"port {port}: {error.strerror}; choose another") from None
        message = f"port {port} is in use; choose another, or none to take a free one"
        raise EmulatorError(message) from None
    return reserved


# What the emulator and its workers need of the user's shell. MiniStack reads a hundred variables,
# among them LocalStack's; and what else is set, a function does not find on AWS.
_INHERITED = re.compile(r"HOME|LANG|LC_.*|(DY)?LD_LIBRARY_PATH|PATH|PYTHON.*|TZ|.*_proxy", re.I)


def _environment(
    port: int, folder: Path, credentials: Credentials, extra: Mapping[str, str]
) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if _INHERITED.fullmatch(k)}
    return inherited | {
        "AUTH": "true",
        # MiniStack's root user; its workers get the credentials of their role instead.
        "AWS_ACCESS_KEY_ID": credentials.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.aws_secret_access_key,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # its broker would listen on every interface
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str(folder),  # by default it leaves a private key in /tmp
        "TMPDIR": str(folder),
        **_NO_FILES,
        **extra,
    }


def _wait(leash: Leash, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if not leash.running:
            break
        with suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1):
                return
        time.sleep(0.02)
    tail = log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
    raise EmulatorError(f"MiniStack did not start at {url}: {tail or 'it said nothing'}")


def start(
    leash: Leash,
    *,
    region: str,
    port: int | None = None,
    environment: Mapping[str, str],
    meanwhile: Callable[[], object],
) -> MiniStack:
    """Start MiniStack on a leash; it ends with it, and its workers too.

    It starts while `meanwhile` runs. `environment` reaches the Lambda workers too. Raises
    EmulatorError where it does not start.
    """
    log, credentials = leash.folder / "ministack.log", Credentials.new()
    with _reserve(port) as reserved:
        port = reserved.getsockname()[1]
        environment = _environment(port, leash.folder, credentials, environment)
        leash.start("emulator", environment, ROOT, log, reserved)
    stack = MiniStack(port, leash, region, credentials)
    meanwhile()
    for service in _SERVICES:  # each takes some 50 ms
        stack.client(service)
    _wait(leash, stack.url, log)
    return stack
