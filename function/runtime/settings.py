"""Reads settings from the environment, and secret ones from AWS Secrets Manager."""

import os

from function.declare.setting import Setting, Settings, V


class _EnvironmentSettings(Settings):
    """The settings of this process's stack."""

    def __getitem__(self, setting: Setting[V], /) -> V:
        text = os.environ.get(setting.env_var)
        if text is None and setting.default is not None:
            return setting.default
        if text is None:
            needed = f"SecretPermission({setting.name!r})" if setting.secret else "a deployment"
            raise LookupError(
                f"{setting.env_var} is missing: {setting.name} of function/settings.py needs "
                f"{needed}; in a test, set it by service.set"
            )
        if setting.secret:
            # Imported here to keep it out of cold starts without secrets.
            from function.runtime import secrets

            text = secrets.read(setting.env_var)
        return setting.parse(text)


SETTINGS = _EnvironmentSettings()
