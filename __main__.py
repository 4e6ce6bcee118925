"""Epoch: API Gateway, Lambda and DynamoDB, with what it takes to see inside them."""

import pulumi

from components import EpochApi, EpochFunction, EpochMonitoring, EpochTable, StackConfig
from function.endpoints import declared
from function.tables import TABLES

project, stack = pulumi.get_project(), pulumi.get_stack()
config = StackConfig.read(pulumi.runtime.config.CONFIG.get(), project)
name = f"{project}-{stack}"
tags = {"project": project, "stack": stack}
endpoints = declared()

tables = {
    key: EpochTable(f"{name}-{key}", table=table, protect=config.protect_data, tags=tags)
    for key, table in TABLES.items()
}
function = EpochFunction(
    f"{name}-function",
    endpoints=endpoints,
    tables=tables,
    memory_mb=config.memory_mb,
    timeout_s=config.timeout_s,
    log_retention_days=config.log_retention_days,
    retention_days=config.retention_days,
    trusted_proxies=config.trusted_proxies,
    tags=tags,
)
api = EpochApi(
    f"{name}-api",
    stage_name=stack,
    endpoints=endpoints,
    function=function,
    rate_limit=config.rate_limit,
    burst_limit=config.burst_limit,
    quota_per_day=config.quota_per_day,
    tags=tags,
)
monitoring = EpochMonitoring(name, api=api, function=function)

pulumi.export("endpoint", pulumi.Output.concat(api.url, "/epoch"))
pulumi.export("api_key", api.api_key)
pulumi.export("table_name", tables["epochs"].name)
pulumi.export("function_name", function.name)
pulumi.export("log_group", function.log_group.name)
pulumi.export("dashboard_url", monitoring.dashboard_url)
