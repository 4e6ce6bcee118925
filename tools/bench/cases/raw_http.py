"""The minimum in Python: a hand-signed request over http.client, without telemetry."""

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from urllib.parse import urlsplit

_url = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
_region = os.environ["AWS_REGION"]
_host = _url.netloc
_connection = http.client.HTTPSConnection(
    _url.hostname,
    _url.port,
    timeout=2,
    context=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]),
)
_NAMES = "host;x-amz-date;x-amz-security-token;x-amz-target"


def _digest(key, text):
    return hmac.digest(key, text.encode(), "sha256")


def _signed(body):
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Host": _host,
        "X-Amz-Date": moment,
        "X-Amz-Security-Token": os.environ["AWS_SESSION_TOKEN"],
        "X-Amz-Target": "DynamoDB_20120810.PutItem",
    }
    lines = "".join(f"{name}:{headers[name.title()]}\n" for name in _NAMES.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{_NAMES}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{_region}/dynamodb/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = _digest(key, part)
    signature = _digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
        f"SignedHeaders={_NAMES}, Signature={signature}"
    )
    return headers


def call():
    """Store a record."""
    octets = os.urandom(16).hex()
    key = f"{octets[:8]}-{octets[8:12]}-4{octets[13:16]}-8{octets[17:20]}-{octets[20:]}"
    epoch, ip = time.time_ns() // 1000 / 1e6, "192.0.2.1"
    body = json.dumps(
        {
            "TableName": os.environ["TABLE_EPOCHS_NAME"],
            "Item": {"key": {"S": key}, "epoch": {"N": repr(epoch)}, "ip": {"S": ip}},
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": "key"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    ).encode()
    _connection.request("POST", "/", body, _signed(body))
    answer = _connection.getresponse()
    found = answer.read()
    if answer.status != 200:
        raise RuntimeError(found)
    return 201, json.dumps({"key": key, "epoch": epoch, "ip": ip})
