"""Settings: what the function gets from a stack's config, declared in `function.settings`."""

import json
import re
from collections.abc import Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

from function.declare.checks import type_errors

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 32
_TYPES = (str, int, float, bool)

V = TypeVar("V")


def variable(name: str, *, secret: bool = False) -> str:
    """Return the environment variable that holds a setting; a secret's holds the secret's ARN."""
    return f"SECRET_{name.upper()}_ARN" if secret else f"SETTING_{name.upper()}"


class Setting(NamedTuple, Generic[V]):
    """What the function gets from a stack's config: `<name>` in Pulumi.<stack>.yaml.

    `type` is str, int, float or bool. Without a `default` every stack must set it. Numbers may be
    kept from `minimum` to `maximum`. A `secret`, which is a str, is set by `pulumi config set
    --secret`; it lies in AWS Secrets Manager and nowhere else, and has no default.
    """

    name: str
    type: type[V]  # pylint: disable=unsubscriptable-object
    description: str
    default: V | None = None
    secret: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def env_var(self) -> str:
        """The environment variable that holds its value; a secret's holds the secret's ARN."""
        return variable(self.name, secret=self.secret)

    def parse(self, text: str) -> V:
        """Return the value that its text in the environment or in Secrets Manager stands for."""
        value: V = text if self.type is str else json.loads(text)  # type: ignore[assignment]
        return value

    def errors(self) -> Iterator[str]:
        """Return why it cannot work."""
        yield from type_errors(self, name=str, description=str, secret=bool)
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            yield (
                f"name {self.name!r} must be a-z, 0-9 and '_' between them, from a letter on, "
                f"at most {_LONGEST_NAME} characters"
            )
        if self.type not in _TYPES:
            yield "type must be str, int, float or bool"
        elif self.default is not None and self.default.__class__ is not self.type:
            yield f"default {self.default!r} is no {self.type.__name__}"
        if not self.description.strip():
            yield "description is missing"
        if self.secret and (self.type is not str or self.default is not None):
            yield "a secret is a str, and has no default"
        if self.type not in (int, float) and (self.minimum, self.maximum) != (None, None):
            yield "minimum and maximum are for numbers"
        low, high = self.minimum, self.maximum
        if isinstance(self.default, (int, float)) and not (
            (low is None or self.default >= low) and (high is None or self.default <= high)
        ):
            yield f"default {self.default!r} is not from minimum to maximum"


class Settings(Protocol):
    """The values of a stack's settings: `request.settings[GREETING]`."""

    def __getitem__(self, setting: Setting[V], /) -> V:
        """Return the value; raises Problem with 503 where a secret cannot be read now."""
