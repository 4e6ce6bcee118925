"""Setting: a value of a stack's config, declared in `function.settings`."""

import json
from collections.abc import Iterator
from typing import Annotated, Generic, NamedTuple, Protocol, TypeVar

from function.declare.checks import Text, words

_TYPES = (str, int, float, bool)

V = TypeVar("V")


def setting_env_var(name: str, *, secret: bool = False) -> str:
    """Return the environment variable of a setting; for a secret, it holds the secret's ARN."""
    return f"SECRET_{name.upper()}_ARN" if secret else f"SETTING_{name.upper()}"


class Setting(NamedTuple, Generic[V]):
    """A value that the function reads from a stack's config: `<name>` in Pulumi.<stack>.yaml.

    `type` is str, int, float or bool. Without a `default`, every stack must set it. `minimum` and
    `maximum` limit a number. A `secret` is a str without a default: set it by `pulumi config set
    --secret`. AWS Secrets Manager stores it, and no other service.
    """

    name: Annotated[str, words("_", 32)]
    type: type[V]
    description: Text
    default: V | None = None
    secret: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def env_var(self) -> str:
        """The environment variable that holds its value; a secret's holds the secret's ARN."""
        return setting_env_var(self.name, secret=self.secret)

    def parse(self, text: str) -> V:
        """Return the value of its text in the environment or in Secrets Manager."""
        value: V = text if self.type is str else json.loads(text)  # type: ignore[assignment]
        return value

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which a stack cannot set it or the function cannot read it."""
        if self.type not in _TYPES:
            yield "type must be str, int, float or bool"
        elif self.default is not None and self.default.__class__ is not self.type:
            yield f"default {self.default!r} must be of type {self.type.__name__}"
        if self.secret and (self.type is not str or self.default is not None):
            yield "a secret must be of type str and have no default"


class Settings(Protocol):
    """The values of a stack's settings: `request.settings[GREETING]`."""

    def __getitem__(self, setting: Setting[V], /) -> V:
        """Return the value. Raises Problem with 503 if a secret cannot be read at the moment."""
