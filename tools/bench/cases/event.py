"""Lambda's arguments of a handler."""

EVENT = {
    "resource": "/epoch",
    "path": "/epoch",
    "httpMethod": "POST",
    "headers": {"Accept": "*/*", "Host": "api", "User-Agent": "bench", "x-api-key": "k" * 40},
    "multiValueHeaders": {
        "Accept": ["*/*"],
        "Host": ["api"],
        "User-Agent": ["bench"],
        "x-api-key": ["k" * 40],
        "X-Forwarded-For": ["192.0.2.1"],
    },
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {
        "resourcePath": "/epoch",
        "httpMethod": "POST",
        "path": "/dev/epoch",
        "requestId": "9d3a2a0c-7a2b-4d0c-8f5e-2b8f3c1d4e5f",
        "stage": "dev",
        "identity": {"sourceIp": "192.0.2.1", "apiKeyId": "abcdefghij", "userAgent": "bench"},
    },
    "body": None,
    "isBase64Encoded": False,
}


class CONTEXT:
    """The context of an invocation."""

    aws_request_id = "3f9b1a52-0d5e-4c7b-9a51-6d2f7e8c9b0a"
    function_name = "epoch"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:epoch"
