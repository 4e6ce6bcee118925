"""The bundle: complete, the same everywhere, and changed only by its content."""

import json
from pathlib import Path
from typing import Any

import botocore.model
import botocore.session
import pytest

from components.packaging import archive, bytecode
from components.packaging.project_bundle import project_bundle
from function.declare.permission import ACTIONS


def test_its_dependencies_are_nobody_elses_files() -> None:
    linked = [
        path for path in project_bundle().dependencies().rglob("*.json") if path.stat().st_nlink > 1
    ]
    assert not linked  # into uv's cache, where trimming one would trim every installed copy


def _storage_model() -> dict[str, Any]:
    (path,) = project_bundle().dependencies().glob("botocore/data/dynamodb/*/service-2.json")
    model: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return model


def test_its_model_of_dynamodb_has_all_that_access_can_permit_and_no_more() -> None:
    kept = _storage_model()
    whole = botocore.session.get_session().get_service_model("dynamodb")
    permitted = {name.removeprefix("dynamodb:") for name in ACTIONS}
    assert permitted & set(whole.operation_names) <= set(kept["operations"])
    assert {"TransactWriteItems", "ExecuteStatement"} <= set(kept["operations"])
    assert not {"CreateBackup", "DeleteTable", "UpdateTable"} & set(kept["operations"])
    client = botocore.model.ServiceModel(kept)
    for name in kept["operations"]:
        for part in ("input_shape", "output_shape"):
            cut, full = (getattr(of.operation_model(name), part) for of in (client, whole))
            assert _members(cut) == _members(full) != {}, name


def _members(shape: Any, depth: int = 4) -> dict[str, Any]:
    """Return a structure's members with their types, as deep as DynamoDB's requests go."""
    members = getattr(shape, "members", {})
    return {
        name: (one.type_name, _members(one, depth - 1) if depth else {})
        for name, one in members.items()
    }


def test_without_a_compiler_there_are_sources_only_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bytecode, "compiler", lambda: None)
    monkeypatch.setattr(archive, "compiled", bytecode.compiled)  # the real one
    monkeypatch.setattr(archive, "compiler", lambda: None)
    assert not [
        name for name in archive.files_in(project_bundle().archive()) if name.endswith(".pyc")
    ]
    assert "the bundle has no bytecode" in capsys.readouterr().err


def test_a_missing_lock_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(archive.BundleError, match="requirements.txt is missing; restore it or run"):
        archive.Bundle(package=tmp_path).dependencies()
