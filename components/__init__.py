"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.access import EpochAccess
from components.account import EpochAccount
from components.api import EpochApi
from components.config import ConfigError, StackConfig, UsagePlan
from components.edge import EpochDomain, EpochFirewall
from components.encryption import encrypt_everything
from components.function import EpochFunction
from components.monitoring import EpochMonitoring
from components.names import prefix
from components.roles import Roles
from components.table import EpochTable
from components.tags import tag_everything

__all__ = [
    "ConfigError",
    "EpochAccess",
    "EpochAccount",
    "EpochApi",
    "EpochDomain",
    "EpochFirewall",
    "EpochFunction",
    "EpochMonitoring",
    "EpochTable",
    "Roles",
    "StackConfig",
    "UsagePlan",
    "encrypt_everything",
    "prefix",
    "tag_everything",
]
