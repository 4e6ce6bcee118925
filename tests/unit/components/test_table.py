"""The table's replicas."""

import pytest

from tests.conftest import declare

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("protected", (True, False))
def test_each_replica_is_a_resource_of_its_own_so_that_one_up_changes_them_all(
    protected: bool,
) -> None:
    resources = declare(
        protect_data=str(protected).lower(),
        replica_regions='["eu-west-1", "us-east-1"]',
    )
    replicas = [r for r in resources if r.kind == "aws:dynamodb/tableReplica:TableReplica"]
    for table in (r for r in resources if r.kind == "aws:dynamodb/table:Table"):
        assert "replicas" not in table.inputs
        first, second = (replica for replica in replicas if table.urn in replica.depends_on)
        for replica, region in ((first, "eu-west-1"), (second, "us-east-1")):
            assert replica.inputs["region"] == region and replica.protect is protected
            assert replica.inputs["pointInTimeRecovery"] is protected
            assert replica.inputs["deletionProtectionEnabled"] is protected
        assert first.urn in second.depends_on  # DynamoDB takes one change of them at a time
