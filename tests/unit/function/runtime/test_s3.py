"""Presigned uploads and downloads of a stack's buckets."""

import base64
import json
from collections.abc import Iterator
from typing import Any
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


# The hosts that serve a new bucket without a redirect.
HOSTS = {
    "us-east-1": "shop-uploads.s3.amazonaws.com",
    "eu-central-1": "shop-uploads.s3.eu-central-1.amazonaws.com",
}


@pytest.fixture(params=HOSTS)
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the function's region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", request.param)
    return str(request.param)


def test_a_download_is_signed_for_its_region_and_expires(region: str) -> None:
    url = urlsplit(s3.presigned_download(UPLOADS, "in/a b", expires_after_s=60))
    query = parse_qs(url.query)
    assert url.netloc == HOSTS[region] and url.path == "/in/a%20b"
    assert query["X-Amz-Expires"] == ["60"] and "response-content-disposition" not in query
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert f"/{region}/s3/" in query["X-Amz-Credential"][0]


def test_a_download_is_saved_under_its_name() -> None:
    url = urlsplit(s3.presigned_download(UPLOADS, "k", file_name='r\u00e9sum\u00e9 "1"/\r\n.pdf'))
    saved = parse_qs(url.query)["response-content-disposition"]
    assert saved == ["attachment; filename*=UTF-8''r%C3%A9sum%C3%A9%20%221%22%2F%0D%0A.pdf"]


def _policy(form: dict[str, Any]) -> list[Any]:
    conditions: list[Any] = json.loads(base64.b64decode(form["fields"]["policy"]))["conditions"]
    return conditions


def test_an_upload_is_limited_to_its_key_size_and_type(region: str) -> None:
    form = s3.presigned_upload(UPLOADS, "in/a", max_bytes=5, content_type="image/png")
    assert form["url"] == f"https://{HOSTS[region]}/"
    assert form["fields"]["key"] == "in/a" and form["fields"]["Content-Type"] == "image/png"
    policy = _policy(form)
    for condition in (
        {"bucket": "shop-uploads"},
        {"key": "in/a"},
        {"Content-Type": "image/png"},
        ["content-length-range", 0, 5],
    ):
        assert condition in policy


def test_an_upload_of_a_range_of_types_leaves_the_type_to_the_client() -> None:
    form = s3.presigned_upload(UPLOADS, "in/a", max_bytes=5, content_type="image/*")
    assert "Content-Type" not in form["fields"]
    assert ["starts-with", "$Content-Type", "image/"] in _policy(form)


def test_no_client_chooses_the_key_of_its_upload() -> None:
    with pytest.raises(ValueError, match=r"must not contain \$\{filename\}"):
        s3.presigned_upload(UPLOADS, "in/${filename}", max_bytes=5, content_type="image/png")
