"""The registry of endpoints."""

import pytest

from function.declare import registry
from function.declare.errors import DeclarationError


def test_no_endpoint_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "endpoints_by_module", dict)
    with pytest.raises(DeclarationError, match="function/endpoints has no module yet"):
        registry.load_endpoints.__wrapped__()
