"""The registry of endpoints."""

import pytest

from function import topics
from function.declare import registry
from function.declare.errors import DeclarationError
from function.declare.topic import Topic


def test_no_endpoint_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "endpoints_by_module", dict)
    with pytest.raises(DeclarationError, match="function/endpoints has no module yet"):
        registry.load_endpoints.__wrapped__()


def test_a_fifo_topic_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    news = Topic("news", arn="arn:aws:sns:eu-west-1:210987654321:news.fifo")
    monkeypatch.setattr(topics, "NEWS", news, raising=False)
    with pytest.raises(DeclarationError, match="news.fifo' is not the ARN of a standard SNS topic"):
        registry.load_topics()
