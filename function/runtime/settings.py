"""Reads settings where Lambda has them: in the environment and in AWS Secrets Manager."""

import os

from function.declare.setting import Setting, Settings, V


class _Environment(Settings):
    """The settings of the stack that this process runs for."""

    def __getitem__(self, setting: Setting[V], /) -> V:
        if setting.secret:
            # What no request asks for, no cold start pays for.
            from function.runtime import secrets  # pylint: disable=import-outside-toplevel

            return setting.parse(secrets.read(setting.env_var))
        text = os.environ.get(setting.env_var)
        if text is not None:
            return setting.parse(text)
        if setting.default is None:
            raise LookupError(
                f"{setting.env_var} is not in the environment; does function/settings.py "
                f"declare {setting.name}?"
            )
        return setting.default


SETTINGS = _Environment()
