"""Presigned URLs of a stack's buckets."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from function.declare.bucket import Bucket
from function.runtime import s3
from tests.fixtures import notes

UPLOADS = Bucket(name="uploads")


@pytest.fixture(autouse=True)
def client() -> Iterator[None]:
    """Give a test a client of its own, by an environment as in Lambda."""
    with notes.credentials(**{UPLOADS.env_var: "shop-uploads"}):
        yield


def test_presigned_url_names_bucket_and_key_and_expires() -> None:
    url = urlsplit(s3.presigned_url("put_object", UPLOADS, Key="in/a b", expires_after_s=60))
    query = parse_qs(url.query)
    assert url.netloc.startswith("shop-uploads.s3.") and url.path == "/in/a%20b"
    assert query["X-Amz-Expires"] == ["60"]
