"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.api import EpochApi
from components.config import ConfigError, StackConfig
from components.function import EpochFunction
from components.monitoring import EpochMonitoring
from components.table import EpochTable

__all__ = [
    "ConfigError",
    "EpochApi",
    "EpochFunction",
    "EpochMonitoring",
    "EpochTable",
    "StackConfig",
]
