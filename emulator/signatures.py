"""Lists the names of MiniStack that the emulator replaces, with the signatures it relies on."""

SIGNATURES = {
    "ministack.app._enforce_execute_api": (
        "(api_id, stage, method, execute_path, headers, query_params, iam_action)"
    ),
    "ministack.app._handle_execute_api_request": (
        "async (host, path, method, headers, body, query_params, raw_path, raw_query_string)"
    ),
    "ministack.app.app": "async (scope, receive, send)",
    "ministack.app.pin_signed_request": "(method, raw_path, query_params, raw_headers, handshake)",
    "ministack.app.uuid": "module",
    "ministack.core.iam_actions.extract_resource_arn": (
        "(service, method, path, headers, body, query_params, region, account_id)"
    ),
    "ministack.core.iam_actions.request_tag_context": "(service, iam_action, body, params)",
    "ministack.core.iam_evaluator._fnmatch_compile": "(pattern, ignore_case)",
    "ministack.core.iam_evaluator.enforce": (
        "(access_key_id, iam_action, service, region, resource_arn, service_context)"
    ),
    "ministack.core.iam_evaluator.is_root_access_key": "(access_key_id)",
    "ministack.core.iam_evaluator.parse_policy_document": "(doc)",
    "ministack.core.iam_evaluator.request_caller_arn": "(headers, query_params)",
    "ministack.core.lambda_runtime.Worker": "(func_name, config, code_zip)",
    "ministack.core.lambda_runtime.Worker._drain_stderr": "(self)",
    "ministack.core.lambda_runtime.Worker._drain_stderr_bounded": (
        "(self, first_line_wait, idle_confirm, hard_cap)"
    ),
    "ministack.core.lambda_runtime.Worker._read_stderr": "(self)",
    "ministack.core.lambda_runtime.Worker._spawn": "(self)",
    "ministack.core.lambda_runtime.Worker.invoke": (
        "(self, event, request_id, *, trace_id, depth, durable, invoked_function_arn)"
    ),
    "ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT": "str",
    "ministack.core.lambda_runtime._collect": "(proc, deadline)",
    "ministack.core.lambda_runtime.execution_credentials": "(config)",
    "ministack.core.lambda_runtime.parse_arn": "(value)",
    "ministack.core.lambda_runtime.subprocess": "module",
    "ministack.core.lambda_runtime.threading": "module",
    "ministack.core.lambda_runtime.zipfile": "module",
    "ministack.core.responses.uuid": "module",
    "ministack.services.apigateway_v1._AUTHENTICATION_GATEWAY_ERRORS": "dict",
    "ministack.services.apigateway_v1._authorizers_v1": "AccountRegionScopedDict",
    "ministack.services.apigateway_v1._build_api_export": (
        "(api_id, stage_name, export_type, include_integrations, include_authorizers)"
    ),
    "ministack.services.apigateway_v1._build_lambda_event_v1": (
        "(api_id, stage_name, stage, resource, request_path, method, headers, body, "
        "query_params, path_params, *, binary_media_types, authorizer_context, caller_identity)"
    ),
    "ministack.services.apigateway_v1._call_lambda_raw": (
        "async (function_ref, event, *, account_id, region)"
    ),
    "ministack.services.apigateway_v1._check_request_validation": (
        "(method_obj, api_id, request, headers, body, query_params)"
    ),
    "ministack.services.apigateway_v1._create_api_key": "(data)",
    "ministack.services.apigateway_v1._create_base_path_mapping": "(domain_name, data)",
    "ministack.services.apigateway_v1._create_deployment": "(api_id, data)",
    "ministack.services.apigateway_v1._delete_deployment": "(api_id, deployment_id)",
    "ministack.services.apigateway_v1._execute_in_scope": (
        "async (request, api_id, stage_name, method, path, headers, body, query_params, "
        "owner_account_id, owner_region)"
    ),
    "ministack.services.apigateway_v1._gateway_error_response": "(error, request)",
    "ministack.services.apigateway_v1._handle_execute_in_scope": (
        "async (api_id, stage_name, method, path, headers, body, query_params, "
        "owner_account_id, owner_region)"
    ),
    "ministack.services.apigateway_v1._invoke_authorizer_lambda": (
        "async (authorizer, event, account_id, region)"
    ),
    "ministack.services.apigateway_v1._invoke_lambda_proxy_v1": (
        "async (integration, api_id, stage_name, stage, resource, request_path, method, "
        "headers, body, query_params, path_params, *, owner_account_id, owner_region, "
        "binary_media_types, authorizer_context, caller_identity)"
    ),
    "ministack.services.apigateway_v1._invoke_mock_v1": "(integration)",
    "ministack.services.apigateway_v1._models": "AccountRegionScopedDict",
    "ministack.services.apigateway_v1._request_validators": "AccountRegionScopedDict",
    "ministack.services.apigateway_v1._resources": "AccountRegionScopedDict",
    "ministack.services.apigateway_v1._quota_state": "dict",
    "ministack.services.apigateway_v1._resolve_jwks_url": "async (authorizer)",
    "ministack.services.apigateway_v1._usage_plans": "AccountRegionScopedDict",
    "ministack.services.apigateway_v1._qp": "(query_params, key, default)",
    "ministack.services.apigateway_v1._v1_response": "(data, status)",
    "ministack.services.apigateway_v1._take_token": "(slot, limits)",
    "ministack.services.apigateway_v1._update_api_key": "(key_id, data)",
    "ministack.services.apigateway_v1.run_reentrant": "async (fn, *args, thread_name)",
    "ministack.services.apigateway_v1.handle_request": (
        "async (method, path, headers, body, query_params)"
    ),
    "ministack.services.cloudwatch._describe_alarms": "(params, cbor_data, is_cbor, is_json)",
    "ministack.services.cloudwatch._error": "(code, message, status, use_json, use_cbor)",
    "ministack.services.cloudwatch._metric_bucket": "(key)",
    "ministack.services.cloudwatch._put_composite_alarm": "(params, cbor_data, is_cbor, is_json)",
    "ministack.services.cloudwatch._put_metric_alarm": "(params, cbor_data, is_cbor, is_json)",
    "ministack.services.cloudwatch.handle_request": (
        "async (method, path, headers, body, query_params)"
    ),
    "ministack.services.dynamodb._build_change_record": (
        "(table, event_name, old_item, new_item, view_type)"
    ),
    "ministack.services.dynamodb._condition_syntax_error": "(expr, slot)",
    "ministack.services.dynamodb._create_table": "(data)",
    "ministack.services.dynamodb._extract_key_val": "(attr)",
    "ministack.services.dynamodb._remove_item": "(table, pk_val, sk_val)",
    "ministack.services.dynamodb._set_item": "(table, pk_val, sk_val, item)",
    "ministack.services.dynamodb._trim_stream_records": "(table_name, *, account_id, region)",
    "ministack.services.dynamodb.handle_request": (
        "async (method, path, headers, body, query_params)"
    ),
    "ministack.services.eventbridge._dispatch_to_lambda": "(arn, payload)",
    "ministack.services.eventbridge._invoke_target": "(target, event, rule, view)",
    "ministack.services.lambda_svc._ACCOUNT_CONCURRENCY_CAP": "int",
    "ministack.services.lambda_svc._add_permission": (
        "(func_name, data, query_params, path_qualifier)"
    ),
    "ministack.services.lambda_svc._create_esm": "(data)",
    "ministack.services.lambda_svc._create_function": "(data)",
    "ministack.services.lambda_svc._update_code": "(name, data)",
    "ministack.services.lambda_svc._emit_lambda_logs": (
        "(func, request_id, log_text, error, duration_ms, *, log_source)"
    ),
    "ministack.services.lambda_svc._emit_lambda_metrics": (
        "(function_name, duration_ms, error, throttle)"
    ),
    "ministack.services.lambda_svc._execute_function_warm": "(func, event, request_id)",
    "ministack.services.lambda_svc._iter_all_esms": "()",
    "ministack.services.lambda_svc._poll_dynamodb_streams": "()",
    "ministack.services.lambda_svc._put_event_invoke_config": "(func_name, qualifier, data)",
    "ministack.services.lambda_svc._update_alias": "(func_name, alias_name, data)",
    "ministack.services.lambda_svc.execution_credentials": "(config)",
    "ministack.services.lambda_svc.invoke_async_with_retry": "(func, event)",
    "ministack.services.lambda_svc.parse_arn": "(value)",
    "ministack.services.s3._deliver_event_to_lambda": "(arn, event_payload, bucket_region)",
    "ministack.services.s3._parse_multipart_form": "(content_type, body)",
    "ministack.services.scheduler._SCHEDULE_TICK_INTERVAL": "int",
    "ministack.services.scheduler._create_schedule": "(name, body)",
    "ministack.services.scheduler._tick_schedules": "()",
    "ministack.services.scheduler._update_schedule": "(name, body)",
    "ministack.services.sns._deliver_to_lambda": (
        "(endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes)"
    ),
    "ministack.services.sts._web_identity_principal": "(token, provider_id, role_arn)",
    "ministack.services.sts.is_root_access_key": "(access_key_id)",
    "ministack.services.tagging.resource_tags": "(arn)",
}
