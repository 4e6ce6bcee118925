"""Epoch: API Gateway, Lambda and DynamoDB, with what it takes to see inside them."""

import os

import pulumi

from components import (
    Bindings,
    EpochApi,
    EpochApiGatewayAccount,
    EpochApiKeys,
    EpochDestroyGuard,
    EpochDomain,
    EpochFirewall,
    EpochFunction,
    EpochJob,
    EpochMonitoring,
    EpochQueue,
    EpochSecret,
    EpochTable,
    RoleFactory,
    StackConfig,
    apply_default_tags,
    apply_kms_key,
    as_run_error,
    checked_prefix,
    collect_resources,
    mark_secret_config,
)
from function.declare.job_registry import load_jobs
from function.declare.job_registry import consumers_by_queue
from function.declare.registry import load_endpoints, load_queues, load_settings, load_tables
from function.endpoints import VERSION
from openapi import samples
from openapi.document import api_info, build

project, stack = pulumi.get_project(), pulumi.get_stack()
given = pulumi.runtime.config.CONFIG.get()
secret = set(filter(pulumi.runtime.is_config_secret, given))
with as_run_error():
    endpoints, jobs = load_endpoints(), load_jobs()
    own_tables, own_queues, own_settings = load_tables(), load_queues(), load_settings()
    of_project = api_info(VERSION)
    api_document = build(endpoints, of_project)
    config = StackConfig.from_pulumi(given, project, secret)
name = checked_prefix(
    project, stack, ["function", "account", *(f"job-{key}-schedule" for key in jobs)]
)
roles = RoleFactory(path=f"/{project}/{stack}/", permissions_boundary=config.permissions_boundary)
apply_default_tags({"project": project, "stack": stack, "owner": config.owner})
if config.kms_key_arn:
    apply_kms_key(config.kms_key_arn)
mark_secret_config(given, project, secret)
everything = collect_resources()

tables = {
    key: EpochTable(
        f"{name}-{key}",
        table=table,
        protect=config.protect_data,
        replica_regions=config.replica_regions,
    )
    for key, table in own_tables.items()
}
takers = consumers_by_queue(jobs)
queues = {
    key: EpochQueue(f"{name}-{key}", queue=queue, taker=takers.get(key))
    for key, queue in own_queues.items()
}
secrets = {
    key: EpochSecret(f"{name}-{key}", setting=setting, value=config.secrets[key])
    for key, setting in own_settings.items()
    if setting.secret
}
bindings = Bindings(tables=tables, queues=queues, settings=config.settings, secrets=secrets)
function = EpochFunction(
    f"{name}-function",
    endpoints=endpoints,
    bindings=bindings,
    roles=roles,
    memory_mb=config.memory_mb,
    timeout_s=config.timeout_s,
    log_retention_days=config.log_retention_days,
    reserved_concurrency=config.reserved_concurrency,
    provisioned_concurrency=config.provisioned_concurrency,
    snap_start=config.snap_start,
    trusted_proxy_count=config.trusted_proxy_count,
)
workers = {
    key: EpochJob(
        f"{name}-job-{key.replace('_', '-')}",
        job_name=key,
        job=job,
        bindings=bindings,
        roles=roles,
        log_retention_days=config.log_retention_days,
    )
    for key, job in jobs.items()
}
account = (
    EpochApiGatewayAccount(f"{name}-account", roles=roles)
    if config.manage_api_gateway_account
    else None
)
api = EpochApi(
    f"{name}-api",
    api_name=name,
    description=of_project.description,
    stage_name=stack,
    document=api_document,
    endpoints=endpoints,
    function=function,
    rate_limit=config.effective_throttle.rate_limit,
    burst_limit=config.effective_throttle.burst_limit,
    log_retention_days=config.log_retention_days,
    account=account,
)
access = EpochApiKeys(name, api=api, usage_plans=config.usage_plans, api_keys=config.api_keys)
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
    pulumi.export("custom_domain_target", domain.target)
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
    trace_sampling_rate=config.trace_sampling_rate,
    runbook_url=config.runbook_url,
    alarm_email=config.alarm_email,
)
EpochDestroyGuard(f"{name}-guard", protect=config.protect_data, resources=everything)

shown = samples.default_sample(endpoints)
written = samples.table(shown) if shown else ""
pulumi.export("api_url", url)
pulumi.export(
    "sample_url", pulumi.Output.concat(url, samples.path_and_query(shown)) if shown else url
)
pulumi.export("default_api_key", access.keys.apply(lambda keys: keys[min(keys)]))
pulumi.export("api_keys", access.keys)
pulumi.export("table_name", tables[written].name if written else "")
pulumi.export("function_name", function.name)
pulumi.export("job_functions", {key: worker.name for key, worker in workers.items()})
pulumi.export("function_log_group", function.log_group.name)
pulumi.export("dashboard_url", monitoring.dashboard_url)
pulumi.export("api_document_hash", api.document)
pulumi.export("deployed_commit", os.environ.get("EPOCH_COMMIT", "unknown"))
