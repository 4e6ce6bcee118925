"""Requests that the emulator of a local run admits, and those that it refuses."""

import socket
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
import urllib3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.local_stack import HTTP
from local.ministack import MiniStack
from tests.conftest import assume_role
from tests.emulator.conftest import role_of

REGION = "eu-central-1"
_READ = "/apikeys?includeValues=true"
_WRITE = b'{"TableName": "t", "KeySchema": [], "AttributeDefinitions": []}'


@pytest.fixture(autouse=True, scope="module")
def _key(emulator: MiniStack) -> None:
    emulator.client("apigateway").create_api_key(name="one", value="v" * 20)


def _call(
    emulator: MiniStack,
    keys: Credentials | None = None,
    *,
    method: str = "GET",
    path: str = _READ,
    service: str = "apigateway",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> urllib3.BaseHTTPResponse:
    """Call the emulator, signed by these keys or not at all."""
    request = AWSRequest(method, emulator.url + path, headers=dict(headers or {}), data=body)
    if keys:
        SigV4Auth(keys, service, REGION).add_auth(request)
    return HTTP.request(method, emulator.url + path, headers=dict(request.headers), body=body)


def test_calls_signed_by_the_runs_credentials_are_answered(emulator: MiniStack) -> None:
    reply = _call(emulator, emulator.credentials)
    assert reply.status == 200 and "one" in [key["name"] for key in reply.json()["item"]]


@pytest.mark.parametrize(
    "keys",
    (
        None,
        Credentials("test", "test"),
        Credentials("000000000000", "test"),
        Credentials("123456789012", "test"),
        Credentials("AKIA" + "X" * 16, "test"),
    ),
)
def test_calls_without_them_are_refused(emulator: MiniStack, keys: Credentials | None) -> None:
    reply = _call(emulator, keys)
    assert reply.status == 403 and "item" not in reply.json()
    assert "access-control-allow-origin" not in reply.headers


def test_a_known_key_needs_its_secret(emulator: MiniStack) -> None:
    guessed = Credentials(emulator.credentials.access_key, "test")
    reply = _call(emulator, guessed)
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")


def test_a_signature_covers_the_request(emulator: MiniStack) -> None:
    signed = AWSRequest("GET", emulator.url + "/restapis")
    SigV4Auth(emulator.credentials, "apigateway", REGION).add_auth(signed)
    url, headers = emulator.url + _READ, dict(signed.headers)
    assert HTTP.request("GET", url, headers=headers).status == 403


def test_presigned_urls_are_admitted_until_they_expire(
    emulator: MiniStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="bucket", Key="k", Body=b"stored")
    url = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "k"}, ExpiresIn=60)
    assert HTTP.request("GET", url).data == b"stored"
    assert HTTP.request("GET", url.replace("/bucket/k", "/bucket/j")).status == 403
    monkeypatch.setattr("botocore.auth.get_current_datetime", _an_hour_ago, raising=True)
    for expires, status in ((60, 403), (2 * 3600, 200)):
        late = AWSRequest("GET", f"{emulator.url}/?Action=GetCallerIdentity&Version=2011-06-15")
        keys = emulator.credentials
        SigV4QueryAuth(keys, "sts", REGION, expires=expires).add_auth(late)
        assert HTTP.request("GET", late.url).status == status


def _form(emulator: MiniStack, *conditions: object) -> tuple[str, dict[str, str]]:
    """Return the URL and the fields of a form that uploads to a new bucket."""
    s3, bucket = emulator.client("s3"), f"forms-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    given = {"Conditions": list(conditions), "ExpiresIn": 60}
    form = s3.generate_presigned_post(bucket, "in/k", **given)
    return form["url"], form["fields"]


def _post(url: str, fields: Mapping[str, str], **headers: str) -> urllib3.BaseHTTPResponse:
    sent = {**fields, "file": ("name", b"12345")}
    return HTTP.request("POST", url, fields=sent, headers=headers)


def test_a_form_uploads_what_its_policy_allows_also_from_a_page(emulator: MiniStack) -> None:
    url, fields = _form(emulator, ["content-length-range", 0, 5])
    assert _post(url, fields).status == 204
    assert _post(url, fields, Origin="https://shop.example").status == 204
    bucket = url.rstrip("/").rpartition("/")[2]
    stored = emulator.client("s3").get_object(Bucket=bucket, Key="in/k")
    assert stored["Body"].read() == b"12345"
    url, fields = _form(emulator, ["content-length-range", 0, 4])
    assert _post(url, fields).status == 400


@pytest.mark.parametrize(
    "changed",
    (
        {"policy": "e30="},
        {"x-amz-signature": "0" * 64},
        {"x-amz-signature": "\u00e9"},
        {"x-amz-credential": "AKIAXXXXXXXXXXXXXXXX/20260101/eu-central-1/s3/aws4_request"},
        {"x-amz-credential": ""},
        {"key": "other"},
    ),
)
def test_a_form_with_another_field_is_refused(emulator: MiniStack, changed: dict[str, str]) -> None:
    url, fields = _form(emulator)
    assert _post(url, {**fields, **changed}).status == 403


def test_a_browser_may_open_a_presigned_url_of_s3_only(emulator: MiniStack) -> None:
    url, fields = _form(emulator)
    _post(url, fields)
    bucket = url.rstrip("/").rpartition("/")[2]
    target = {"Bucket": bucket, "Key": "in/k"}
    link = emulator.client("s3").generate_presigned_url("get_object", target, ExpiresIn=60)
    page = {"Sec-Fetch-Site": "none"}
    assert HTTP.request("GET", link, headers=page).data == b"12345"
    assert HTTP.request("GET", f"{link}0", headers=page).status == 403
    other = AWSRequest("GET", f"{emulator.url}/?Action=GetCallerIdentity&Version=2011-06-15")
    SigV4QueryAuth(emulator.credentials, "sts", REGION).add_auth(other)
    assert HTTP.request("GET", other.url, headers=page).status == 403


def _an_hour_ago(**_: object) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)


@pytest.mark.parametrize(
    "header",
    (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ),
)
def test_a_page_is_refused_even_with_the_runs_credentials(
    emulator: MiniStack, header: Mapping[str, str]
) -> None:
    for path in (_READ, "/_ministack/health"):
        reply = _call(emulator, emulator.credentials, path=path, headers=header)
        assert reply.status == 403 and "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("path", (_READ, "/_ministack/health", "/_aws/execute-api/abc/dev/epoch"))
def test_another_host_is_refused(emulator: MiniStack, path: str) -> None:
    for host in ("evil.example", f"evil.example:{emulator.port}", "127.0.0.1", "127.0.0.1:1", ""):
        reply = _call(emulator, path=path, headers={"Host": host})
        assert reply.status == 421 and b"127.0.0.1" in reply.data


def test_two_hosts_are_refused(emulator: MiniStack) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
        hosts = f"Host: 127.0.0.1:{emulator.port}\r\nHost: evil.example\r\n"
        connection.sendall(f"GET {_READ} HTTP/1.1\r\n{hosts}\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "method,path,headers,body",
    (
        ("OPTIONS", _READ, {"Access-Control-Request-Method": "GET"}, b""),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.CreateTable"}, _WRITE),
        ("POST", "/", {"Content-Type": "text/plain"}, b"Action=CreateUser&UserName=evil"),
        ("GET", "/?Action=CreateUser&UserName=evil&Version=2010-05-08", {}, b""),
        ("POST", "/2015-03-31/functions", {"Content-Type": "text/plain"}, b"{}"),
        ("POST", "/_ministack/reset", {}, b""),
        ("POST", "/%5fministack/reset", {}, b""),
        ("GET", "/_ministack/sqs/messages", {}, b""),
        ("GET", "/_localstack/health", {}, b""),
        ("PUT", "/bucket", {}, b""),
        ("GET", "/_ministack/rds/iam-auth", {}, b""),
        ("GET", "/restapis/abc/dev/_user_request_/epoch", {}, b""),
        ("GET", "/_aws/lambda-url/abc/", {}, b""),
        ("POST", "/_aws/execute-api/?Action=ListUsers", {}, b""),
        ("POST", "/_aws/execute-api/abc?Action=ListUsers", {}, b""),
    ),
)
def test_unsigned_calls_change_nothing(
    emulator: MiniStack, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> None:
    users = emulator.client("iam").list_users()["Users"]
    tables = emulator.client("dynamodb").list_tables()["TableNames"]
    reply = _call(emulator, method=method, path=path, headers=headers, body=body)
    # DynamoDB has 400 for missing credentials.
    assert reply.status in {400, 403} and "access-control-allow-origin" not in reply.headers
    assert emulator.client("iam").list_users()["Users"] == users
    assert emulator.client("dynamodb").list_tables()["TableNames"] == tables


def test_the_data_plane_serves_apis_only(emulator: MiniStack) -> None:
    for target in ("", "DynamoDB_20120810.ListTables"):
        path = "/_aws/execute-api/abc/dev/?Action=ListUsers&Version=2010-05-08"
        reply = _call(emulator, method="POST", path=path, headers={"X-Amz-Target": target})
        assert reply.status in {403, 404} and "access-control-allow-origin" not in reply.headers
        assert b"User" not in reply.data and b"TableNames" not in reply.data


def test_ministacks_own_api_is_off_for_the_run_too(emulator: MiniStack) -> None:
    reply = _call(emulator, emulator.credentials, method="POST", path="/_ministack/reset")
    assert reply.status == 404


def test_no_web_socket_opens(emulator: MiniStack) -> None:
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    own, mqtt = f"127.0.0.1:{emulator.port}", "Sec-WebSocket-Protocol: mqtt\r\n"
    for path, host, more, status in (
        ("/", own, "", b"403"),
        ("/_aws/execute-api/abc/dev", own, "", b"404"),
        ("/mqtt", f"data-ats.iot.{REGION}.rebound.example", mqtt, b"421"),
    ):
        with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
            host = f"Host: {host}\r\n{more}"
            connection.sendall(f"GET {path} HTTP/1.1\r\n{host}{upgrade}\r\n".encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_a_session_needs_its_token(emulator: MiniStack) -> None:
    role = role_of(emulator)
    keys = assume_role(emulator, role).credentials
    identity = {"path": "/?Action=GetCallerIdentity&Version=2011-06-15", "service": "sts"}
    without = Credentials(keys.access_key, keys.secret_key)
    assert (
        f"assumed-role/{role.rpartition('/')[2]}".encode() in _call(emulator, keys, **identity).data
    )
    assert _call(emulator, without, **identity).status == 403


def test_signature_holds_for_the_access_key_that_it_names(emulator: MiniStack) -> None:
    user, root = emulator.client("iam"), emulator.credentials
    user.create_user(UserName="plain")
    key = user.create_access_key(UserName="plain")["AccessKey"]
    plain = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    request = AWSRequest("GET", emulator.url + _READ)
    SigV4Auth(plain, "apigateway", REGION).add_auth(request)
    signed = dict(request.headers)
    name = signed["Authorization"].split(" ", 1)
    other = f"{root.access_key}/20260101/{REGION}/apigateway/aws4_request"
    signed["Authorization"] = f"{name[0]} XCredential={other}, {name[1]}"
    assert _call(emulator, plain).status == 403  # the user has no permission
    reply = HTTP.request("GET", emulator.url + _READ, headers=signed)
    assert reply.status == 403 and b"Name one access key" in reply.data
