"""Epoch: API Gateway, Lambda and DynamoDB, with what it takes to see inside them."""

import os

import pulumi

from components import (
    EpochAccess,
    EpochAccount,
    EpochApi,
    EpochDomain,
    EpochFirewall,
    EpochFunction,
    EpochGuard,
    EpochJob,
    EpochMonitoring,
    EpochQueue,
    EpochSecret,
    EpochTable,
    Roles,
    StackConfig,
    Stores,
    encrypt_everything,
    keep_secret,
    refusing,
    stack_name,
    tag_everything,
    watch,
)
from function.endpoints import VERSION, declared
from function.jobs import declared as declared_jobs
from function.jobs import takers_of
from function.messages import declared_queues
from function.resources import declared_settings, declared_tables
from openapi import samples
from openapi.document import api_info, build

project, stack = pulumi.get_project(), pulumi.get_stack()
given = pulumi.runtime.config.CONFIG.get()
secret = set(filter(pulumi.runtime.is_config_secret, given))
with refusing():
    endpoints, jobs = declared(), declared_jobs()
    own_tables, own_queues, own_settings = declared_tables(), declared_queues(), declared_settings()
    of_project = api_info(VERSION)
    api_document = build(endpoints, of_project)
    config = StackConfig.read(given, project, secret)
name = stack_name(project, stack, ["function", "account", *(f"job-{key}-schedule" for key in jobs)])
roles = Roles(path=f"/{project}/{stack}/", permissions_boundary=config.permissions_boundary)
tag_everything({"project": project, "stack": stack, "owner": config.owner})
if config.kms_key_arn:
    encrypt_everything(config.kms_key_arn)
keep_secret(given, project, secret)
everything = watch()

tables = {
    key: EpochTable(
        f"{name}-{key}",
        table=table,
        protect=config.protect_data,
        replica_regions=config.replica_regions,
    )
    for key, table in own_tables.items()
}
takers = takers_of(jobs)
queues = {
    key: EpochQueue(f"{name}-{key}", queue=queue, taker=takers.get(key))
    for key, queue in own_queues.items()
}
secrets = {
    key: EpochSecret(f"{name}-{key}", setting=setting, value=config.secrets[key])
    for key, setting in own_settings.items()
    if setting.secret
}
stores = Stores(tables=tables, queues=queues, settings=config.settings, secrets=secrets)
function = EpochFunction(
    f"{name}-function",
    endpoints=endpoints,
    stores=stores,
    roles=roles,
    memory_mb=config.memory_mb,
    timeout_s=config.timeout_s,
    log_retention_days=config.log_retention_days,
    reserved_concurrency=config.reserved_concurrency,
    provisioned_concurrency=config.provisioned_concurrency,
    snap_start=config.snap_start,
    trusted_proxies=config.trusted_proxies,
)
workers = {
    key: EpochJob(
        f"{name}-job-{key.replace('_', '-')}",
        key=key,
        job=job,
        stores=stores,
        roles=roles,
        log_retention_days=config.log_retention_days,
    )
    for key, job in jobs.items()
}
account = EpochAccount(f"{name}-account", roles=roles) if config.owns_api_gateway_account else None
api = EpochApi(
    f"{name}-api",
    api_name=name,
    description=of_project.description,
    stage_name=stack,
    document=api_document,
    endpoints=endpoints,
    function=function,
    rate_limit=config.stage_throttle.rate_limit,
    burst_limit=config.stage_throttle.burst_limit,
    log_retention_days=config.log_retention_days,
    account=account,
)
access = EpochAccess(name, api=api, usage_plans=config.usage_plans, api_keys=config.api_keys)
url = api.url
if config.domain_name:
    domain = EpochDomain(
        f"{name}-domain",
        api=api,
        domain_name=config.domain_name,
        certificate_arn=config.certificate_arn,
        hosted_zone_id=config.hosted_zone_id,
    )
    url = domain.url
    pulumi.export("domain_target", domain.target)
if config.waf_rate_limit:
    EpochFirewall(
        f"{name}-firewall",
        api=api,
        rate_limit=config.waf_rate_limit,
        reads_bodies=any(endpoint.body is not None for endpoint in endpoints),
    )
monitoring = EpochMonitoring(
    name,
    api=api,
    function=function,
    tables=tables,
    endpoints=endpoints,
    jobs=workers,
    queues=queues,
    timeout_s=config.timeout_s,
    concurrency=config.concurrency,
    trace_share=config.trace_share,
    runbook=config.runbook,
    alarm_email=config.alarm_email,
)
EpochGuard(f"{name}-guard", protect=config.protect_data, behind=everything)

shown = samples.default_sample(endpoints)
written = samples.table(shown) if shown else ""
pulumi.export("url", url)
pulumi.export(
    "endpoint", pulumi.Output.concat(url, samples.path_and_query(shown)) if shown else url
)
pulumi.export("api_key", access.keys.apply(lambda keys: keys[min(keys)]))
pulumi.export("api_keys", access.keys)
pulumi.export("table_name", tables[written].name if written else "")
pulumi.export("function_name", function.name)
pulumi.export("jobs", {key: worker.name for key, worker in workers.items()})
pulumi.export("log_group", function.log_group.name)
pulumi.export("dashboard_url", monitoring.dashboard_url)
pulumi.export("document", api.document)
pulumi.export("commit", os.environ.get("EPOCH_COMMIT", "unknown"))
