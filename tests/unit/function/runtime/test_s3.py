"""Presigned URLs of a stack's buckets."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from function.declare.bucket import Bucket
from function.runtime import aws_client, s3

UPLOADS = Bucket(name="uploads")


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a test a client of its own, by an environment as in Lambda."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        UPLOADS.env_var: "shop-uploads",
    }.items():
        monkeypatch.setenv(name, value)
    aws_client._client.cache_clear()
    yield
    aws_client._client.cache_clear()


def test_presigned_url_names_bucket_and_key_and_expires() -> None:
    url = urlsplit(s3.presigned_url("put_object", UPLOADS, Key="in/a b", expires_after_s=60))
    query = parse_qs(url.query)
    assert url.netloc.startswith("shop-uploads.s3.") and url.path == "/in/a%20b"
    assert query["X-Amz-Expires"] == ["60"]


def test_presigned_url_has_a_signature_that_every_region_accepts() -> None:
    query = parse_qs(urlsplit(s3.presigned_url("get_object", UPLOADS, Key="a")).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "us-east-1" in query["X-Amz-Credential"][0]
