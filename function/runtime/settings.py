"""Reads settings from the environment, and secret ones from AWS Secrets Manager."""

import os

from function.declare.setting import Setting, Settings, V


class _EnvironmentSettings(Settings):
    """The settings of this process's stack."""

    def __getitem__(self, setting: Setting[V], /) -> V:
        if setting.secret and setting.env_var not in os.environ:
            raise LookupError(
                f"the function may not read {setting.name}; add "
                f"SecretPermission({setting.name!r}) to the permissions of the endpoint or job; "
                "in a test, set it by service.set"
            )
        if setting.secret:
            # Imported here to keep it out of cold starts without secrets.
            from function.runtime import secrets

            return setting.parse(secrets.read(setting.env_var))
        text = os.environ.get(setting.env_var)
        if text is not None:
            return setting.parse(text)
        if setting.default is None:
            raise LookupError(
                f"{setting.env_var} is missing in the environment; declare {setting.name} in "
                "function/settings.py and deploy; in a test, set it by service.set"
            )
        return setting.default


SETTINGS = _EnvironmentSettings()
