"""The ComponentResources that `__main__.py` composes, and the typed stack config."""

from components.errors import ConfigError as ConfigError
from components.errors import as_run_error as as_run_error

# Some of these modules read the declarations, which may be wrong.
with as_run_error():
    from components.api import EpochApi as EpochApi
    from components.api_gateway_account import EpochApiGatewayAccount as EpochApiGatewayAccount
    from components.api_keys import EpochApiKeys as EpochApiKeys
    from components.api_keys import UsagePlan as UsagePlan
    from components.authorizer import EpochAuthorizer as EpochAuthorizer
    from components.backup import EpochBackup as EpochBackup
    from components.bindings import Bindings as Bindings
    from components.bindings import Linked as Linked
    from components.bucket import EpochBucket as EpochBucket
    from components.destroy_guard import EpochDestroyGuard as EpochDestroyGuard
    from components.destroy_guard import collect_resources as collect_resources
    from components.domain import EpochDomain as EpochDomain
    from components.firewall import EpochFirewall as EpochFirewall
    from components.function import EpochFunction as EpochFunction
    from components.iam.roles import RoleFactory as RoleFactory
    from components.job import EpochJob as EpochJob
    from components.monitoring.component import EpochMonitoring as EpochMonitoring
    from components.naming import resource_prefix as resource_prefix
    from components.naming import sampling_rule as sampling_rule
    from components.packaging.archive import Bundle as Bundle
    from components.packaging.project_bundle import authorizer_bundle as authorizer_bundle
    from components.packaging.project_bundle import project_bundle as project_bundle
    from components.queue import EpochQueue as EpochQueue
    from components.schedules import EpochSchedules as EpochSchedules
    from components.secret import EpochSecret as EpochSecret
    from components.stack_config import StackConfig as StackConfig
    from components.table import EpochTable as EpochTable
    from components.topic import EpochTopic as EpochTopic
    from components.transforms.customization import apply_customization as apply_customization
    from components.transforms.encryption import apply_kms_key as apply_kms_key
    from components.transforms.registrations import speed_up_registrations as speed_up_registrations
    from components.transforms.secret_config import mark_secret_config as mark_secret_config
    from components.transforms.tags import apply_default_tags as apply_default_tags
