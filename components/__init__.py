"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.program_errors import ConfigError, as_run_error

# Some of these modules read the declarations, which may be wrong.
with as_run_error():
    from components.api import EpochApi
    from components.api_gateway_account import EpochApiGatewayAccount
    from components.api_keys import EpochApiKeys, UsagePlan
    from components.bucket import EpochBucket
    from components.destroy_guard import EpochDestroyGuard, collect_resources
    from components.domain import EpochDomain
    from components.firewall import EpochFirewall
    from components.function import EpochFunction
    from components.iam.roles import RoleFactory
    from components.job import EpochJob
    from components.lambda_function import Bindings
    from components.monitoring.component import EpochMonitoring
    from components.naming import checked_prefix, resource_prefix, sampling_rule
    from components.packaging.archive import Bundle
    from components.packaging.project_bundle import project_bundle
    from components.queue import EpochQueue
    from components.secret import EpochSecret
    from components.stack_config import StackConfig
    from components.table import EpochTable
    from components.transforms.customization import apply_customization
    from components.transforms.encryption import apply_kms_key
    from components.transforms.secret_config import mark_secret_config
    from components.transforms.tags import apply_default_tags

__all__ = [
    "Bindings",
    "Bundle",
    "ConfigError",
    "EpochApi",
    "EpochApiGatewayAccount",
    "EpochApiKeys",
    "EpochBucket",
    "EpochDestroyGuard",
    "EpochDomain",
    "EpochFirewall",
    "EpochFunction",
    "EpochJob",
    "EpochMonitoring",
    "EpochQueue",
    "EpochSecret",
    "EpochTable",
    "RoleFactory",
    "StackConfig",
    "UsagePlan",
    "apply_customization",
    "apply_default_tags",
    "apply_kms_key",
    "as_run_error",
    "checked_prefix",
    "collect_resources",
    "mark_secret_config",
    "project_bundle",
    "resource_prefix",
    "sampling_rule",
]
