"""The specimen's setting."""

from function.declare.setting import Setting

KIND = Setting("kind", str, description="Of which kind things are.", default="plain")
