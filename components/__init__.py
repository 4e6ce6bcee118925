"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.refusal import refusing

# Some read the declarations, of which one may be wrong.
with refusing():
    from components.access import EpochAccess
    from components.account import EpochAccount
    from components.api import EpochApi
    from components.compute import Stores
    from components.config import ConfigError, StackConfig, UsagePlan
    from components.edge import EpochDomain, EpochFirewall
    from components.encryption import encrypt_everything
    from components.function import EpochFunction
    from components.guard import EpochGuard, watch
    from components.job import EpochJob
    from components.monitoring import EpochMonitoring
    from components.names import prefix, sampling_rule, stack_name
    from components.queue import EpochQueue
    from components.roles import Roles
    from components.secrecy import keep_secret
    from components.secret import EpochSecret
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
    "EpochGuard",
    "EpochJob",
    "EpochMonitoring",
    "EpochQueue",
    "EpochSecret",
    "EpochTable",
    "Roles",
    "StackConfig",
    "Stores",
    "UsagePlan",
    "encrypt_everything",
    "keep_secret",
    "prefix",
    "refusing",
    "sampling_rule",
    "stack_name",
    "tag_everything",
    "watch",
]
