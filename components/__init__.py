"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.program_errors import refusing

# Some read the declarations, of which one may be wrong.
with refusing():
    from components.api import EpochApi
    from components.api_gateway_account import EpochAccount
    from components.api_keys import EpochAccess
    from components.destroy_guard import EpochGuard, watch
    from components.domain import EpochDomain
    from components.firewall import EpochFirewall
    from components.function import EpochFunction
    from components.iam.roles import Roles
    from components.job import EpochJob
    from components.lambda_function import Stores
    from components.monitoring.component import EpochMonitoring
    from components.naming import prefix, sampling_rule, stack_name
    from components.queue import EpochQueue
    from components.secret import EpochSecret
    from components.stack_config import ConfigError, StackConfig, UsagePlan
    from components.table import EpochTable
    from components.transforms.encryption import encrypt_everything
    from components.transforms.secret_config import keep_secret
    from components.transforms.tags import tag_everything

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
