"""Encryption with a customer's KMS key."""

import pytest

from tests.conftest import declare

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"


@pytest.mark.conformance
def test_a_key_of_ones_own_is_used_for_all_that_is_stored() -> None:
    used: dict[str, set[str | None]] = {}
    for resource in declare(kms_key_arn=KEY):
        if not resource.component:
            found = {**resource.inputs, **resource.inputs.get("serverSideEncryption", {})}
            keys = (found.get(name) for name in ("kmsKeyArn", "kmsKeyId", "kmsMasterKeyId"))
            used.setdefault(resource.kind, set()).add(next(filter(None, keys), None))
    storing = (
        "LogGroup",
        "dynamodb/table:Table",
        "Function",
        "Topic",
        "secretsmanager/secret:Secret",
    )
    kinds = {kind for kind in used if kind.endswith(storing)}
    assert len(kinds) >= 3
    assert {kind: {KEY} for kind in kinds} == {kind: used[kind] for kind in kinds}
    assert {key for kind in used.keys() - kinds for key in used[kind]} == {None}


@pytest.mark.conformance
def test_without_a_key_aws_encrypts_by_its_own_and_no_kms_is_asked() -> None:
    tables = [r.inputs for r in declare() if r.kind == "aws:dynamodb/table:Table"]
    assert all(table["serverSideEncryption"] == {"enabled": False} for table in tables)
    assert "kms" not in str([resource.inputs for resource in declare()]).lower()
