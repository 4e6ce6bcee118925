"""The stack: API Gateway, Lambda and DynamoDB, with alarms, a dashboard and traces."""

import asyncio
import gc
import os
from typing import Any

import msgspec
import pulumi

import components
from customize import customize
from function.declare import authorizer_registry, job_registry, registry
from function.endpoints import VERSION
from infrastructure import infrastructure
from openapi import document, samples

# The program's objects stay until its end: searching them often takes a third of its time.
gc.set_threshold(50_000)

project, stack = pulumi.get_project(), pulumi.get_stack()
raw_config = pulumi.runtime.config.CONFIG.get()
secret_keys = set(filter(pulumi.runtime.is_config_secret, raw_config))

with components.as_run_error():
    endpoints, settings = registry.load_endpoints(), registry.load_settings()
    tables, queues = registry.load_tables(), registry.load_queues()
    buckets, jobs = registry.load_buckets(), job_registry.load_jobs()
    consumers, info = job_registry.consumers_by_queue(jobs), document.api_info(VERSION)
    api_document = document.build(endpoints, info)
    config = components.StackConfig.from_pulumi(raw_config, project, stack, secret_keys)
    code = components.project_bundle().archive()
    auths = authorizer_registry.verified_by_function(endpoints)
    authorizer_code = components.authorizer_bundle().archive() if auths else None

name = components.resource_prefix(project, stack)
tags = {"project": project, "stack": stack}
roles = components.RoleFactory(
    path=f"/{project}/{stack}/", permissions_boundary=config.permissions_boundary
)

# Pulumi applies these to every resource below, in this order.
components.apply_default_tags({**tags, "owner": config.owner})
if config.kms_key_arn:
    components.apply_kms_key(config.kms_key_arn)
components.apply_customization(customize)
components.mark_secret_config(raw_config, project, secret_keys)
components.speed_up_registrations()
all_resources = components.collect_resources()

# Data
protect = config.protect_data
bindings = components.Bindings(
    tables={
        key: components.EpochTable(
            f"{name}-{key}",
            table=table,
            protect=protect,
            recovery_period_days=config.recovery_period_days,
            max_read_units=config.max_read_units,
            max_write_units=config.max_write_units,
            replica_regions=config.replica_regions,
        )
        for key, table in tables.items()
    },
    queues={
        key: components.EpochQueue(
            f"{name}-{key}", queue=queue, consumer=consumers.get(key), protect=protect
        )
        for key, queue in queues.items()
    },
    topics={
        key: components.EpochTopic(f"{name}-{key}", topic=topic, settings=config.settings)
        for key, topic in registry.load_topics().items()
    },
    buckets={
        key: components.EpochBucket(f"{name}-{key}", bucket=bucket, protect=protect)
        for key, bucket in buckets.items()
    },
    settings=config.settings,
    secrets={
        key: components.EpochSecret(
            f"{name}-{key}", setting=settings[key], value=value, protect=protect
        )
        for key, value in config.secrets.items()
    },
    links=infrastructure(name, config),
)
if days := config.backup_days:
    components.EpochBackup(
        f"{name}-backup", tables=bindings.tables, keep_days=days, roles=roles, protect=protect
    )

# Functions
common: dict[str, Any] = {
    "bindings": bindings,
    "roles": roles,
    "metric_namespace": project,
    "gradual": config.rollout is not None,
    "log_retention_days": config.log_retention_days,
    "vpc_subnets": config.vpc_subnets,
    "vpc_security_groups": config.vpc_security_groups,
}
function = components.EpochFunction(
    f"{name}-function",
    code=code,
    endpoints=endpoints,
    trusted_proxy_count=config.trusted_proxy_count,
    memory_mb=config.memory_mb,
    timeout_s=config.timeout_s,
    reserved_concurrency=config.reserved_concurrency or None,
    provisioned_concurrency=config.provisioned_concurrency or None,
    snap_start=config.snap_start,
    **common,
)
authorizer = None
if authorizer_code:
    authorizer = components.EpochAuthorizer(
        f"{name}-authorizer",
        code=authorizer_code,
        auths=auths,
        authorizers=authorizer_registry.load_authorizers(),
        **common,
    )
job_functions = {
    key: components.EpochJob(
        f"{name}-job-{key.replace('_', '-')}",
        code=code,
        job_name=key,
        job=job,
        protect=protect,
        reserved_concurrency=config.job_concurrency.get(key, job.reserved_concurrency) or None,
        **common,
    )
    for key, job in jobs.items()
}
if job_registry.has_schedules(jobs):
    components.EpochSchedules(f"{name}-schedules", jobs=job_functions.values(), roles=roles)

# API
account = None
if config.manage_api_gateway_account:
    account = components.EpochApiGatewayAccount(f"{name}-account", roles=roles)
api_keys = components.EpochApiKeys(name, api_keys=config.api_keys)
api = components.EpochApi(
    f"{name}-api",
    api_name=name,
    description=info["description"],
    stage_name=stack,
    document=api_document,
    function=function,
    authorizer=authorizer,
    rate_limit=config.effective_throttle.rate_limit,
    burst_limit=config.effective_throttle.burst_limit,
    log_retention_days=config.log_retention_days,
    disable_default_endpoint=config.disable_default_endpoint or None,
    import_again=config.import_again,
    stage_variables=api_keys.stage_variables,
    account=account,
)
api_keys.add_to(api, config.usage_plans)
api_url = api.url
if config.domain_name:
    domain = components.EpochDomain(
        f"{name}-domain",
        api=api,
        domain_name=config.domain_name,
        certificate_arn=config.certificate_arn,
        hosted_zone_id=config.hosted_zone_id,
    )
    api_url = domain.url
    pulumi.export("custom_domain_target", domain.target)
if config.waf_rate_limit:
    components.EpochFirewall(f"{name}-firewall", api=api, rate_limit=config.waf_rate_limit)

# Operation
monitoring = components.EpochMonitoring(
    name,
    api=api,
    jobs=job_functions,
    concurrency=config.concurrency,
    runbook_url=config.runbook_url,
    trace_sampling_rate=config.trace_sampling_rate,
    alarm_email=config.alarm_email,
    alarm_topic_arn=config.alarm_topic_arn,
    monthly_budget_usd=config.monthly_budget_usd,
    cost_tags=tags,
)
components.EpochDestroyGuard(f"{name}-guard", protect=protect, resources=all_resources)

# Outputs
sample = samples.default_sample(endpoints)
table_key = samples.table(sample) if sample else ""
published = [one for one in (function, authorizer, *job_functions.values()) if one]
outputs: dict[str, Any] = {
    "api_url": api_url,
    "sample_url": pulumi.Output.concat(api_url, samples.path_and_query(sample) if sample else ""),
    "default_api_key": api_keys.default,
    "api_keys": api_keys.keys,
    "table_name": bindings.tables[table_key].name if table_key else "",
    "function_name": function.name,
    "job_functions": {key: job.name for key, job in job_functions.items()},
    "function_versions": pulumi.Output.all(*(one.version for one in published)).apply(",".join),
    "function_log_group": function.log_group.name,
    "dashboard_url": monitoring.dashboard_url,
    "api_document_hash": api.document_hash,
    "deployed_commit": os.environ.get("EPOCH_COMMIT", "unknown"),
}
if authorizer:
    outputs["authorizer_function"] = authorizer.name
if config.rollout:
    steps = msgspec.structs.asdict(config.rollout)
    outputs["rollout"] = {**steps, "alarms": monitoring.alarm_names}


async def stack_outputs() -> pulumi.Inputs:
    """Return the stack's outputs."""
    # Lets every registration begin. Otherwise the SDK searches all pending outputs after each step:
    # half of the CPU of a preview with 500 resources.
    await asyncio.sleep(0)
    return outputs


pulumi.run(stack_outputs)
