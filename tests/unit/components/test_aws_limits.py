"""AWS's limits, which the program names before AWS refuses a deployment."""

import json
from pathlib import Path

import pulumi
import pytest

import function.declare.job_registry
import function.declare.registry
from components import ConfigError, limits
from components.iam import policies
from components.packaging import archive
from function.declare.permission import ACTIONS, TablePermission
from function.declare.table import Index, Table
from local import pulumi_program
from tests.conftest import NAME, STACK, plain
from tools.release import prune_versions

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
TABLES = {
    f"table-{number:02}": Table(
        f"table-{number:02}",
        "key",
        indexes=(Index("by-day", "day"), Index("by-author", "author")),
    )
    for number in range(31)
}


def _allow_all(monkeypatch: pytest.MonkeyPatch, *of_tables: tuple[str, ...]) -> None:
    """Let the only endpoint have rights on all tables and indexes, in turn the given ones."""
    permissions = [
        TablePermission(key, of_tables[number % len(of_tables)], index)
        for number, key in enumerate(TABLES)
        for index in ("", "by-day", "by-author")
    ]
    endpoint = function.declare.registry.load_endpoints()[0]._replace(permissions=(*permissions,))
    own = function.declare.registry.load_tables()
    monkeypatch.setattr(function.declare.registry, "load_tables", lambda: {**own, **TABLES})
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))


def test_one_statement_has_all_resources_with_equal_actions() -> None:
    merged = policies.merge(
        [
            policies.allow(["sqs:SendMessage"], "a"),
            policies.allow(["s3:GetObject"], "b"),
            policies.allow(["sqs:SendMessage"], ["c", "d"]),
        ]
    )
    assert merged == [
        policies.allow(["sqs:SendMessage"], ["a", "c", "d"]),
        policies.allow(["s3:GetObject"], "b"),
    ]
    one_resource = [policies.allow(["s3:PutObject"], "a"), policies.allow(["s3:GetObject"], "a")]
    assert policies.merge(one_resource) == [policies.allow(["s3:GetObject", "s3:PutObject"], "a")]


def test_thirty_one_tables_with_two_indexes_each_fit_into_a_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _allow_all(monkeypatch, ("dynamodb:Query", "dynamodb:Scan"))
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    resources = pulumi_program.declared_resources(STACK, config=plain())
    (policy,) = (
        r.inputs["policy"]
        for r in resources
        if r.kind == ROLE_POLICY and f"{NAME}-function-" in r.name
    )
    assert len(policy) < limits.ROLE_POLICY_SIZE
    statements = json.loads(policy)["Statement"]
    assert max(len(statement["Resource"]) for statement in statements) == 3 * len(TABLES)
    # The next one would not fit beside it.
    (warning,) = (text for text in warnings if "another one does not fit" in text)
    assert f"role {NAME}-function" in warning
    assert prune_versions.ROLE_POLICY_SIZE == limits.ROLE_POLICY_SIZE


def test_a_policy_that_iam_would_refuse_names_the_largest_statements() -> None:
    arns = [f"arn:aws:dynamodb:eu-central-1:123456789012:table/{key:09}" for key in range(170)]
    with pytest.raises(ConfigError) as error:
        policies.role_document(
            "a-function",
            [policies.allow(sorted(ACTIONS), "a"), policies.allow(["sqs:SendMessage"], arns)],
        )
    assert "the policy of role a-function has 1" in str(error.value)
    assert "AWS allows 10,240. Largest: sqs:SendMessage on 170 resources (" in str(error.value)


def test_variables_that_lambda_would_refuse_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{'long-' * 6}{n}" for n in range(50)]
    tables = {name: Table(name, "key") for name in names}
    monkeypatch.setattr(function.declare.registry, "load_tables", lambda: tables)
    monkeypatch.setattr(function.declare.job_registry, "load_jobs", dict)
    allowed = tuple(TablePermission(name, ("dynamodb:GetItem",)) for name in names)
    endpoint = function.declare.registry.load_endpoints()[0]._replace(permissions=allowed)
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))
    says = r"environment of function \S+ has [45],\d+ bytes; AWS allows 4,096. Largest: "
    with pytest.raises(ConfigError, match=says):
        pulumi_program.declared_resources(STACK, config=plain())


def test_a_bundle_that_lambda_would_refuse_names_its_largest_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sizes = {"large/data.bin": 3_000, "small/data.bin": 10}
    files = {name: tmp_path / name for name in sizes}
    for name, path in files.items():
        path.parent.mkdir()
        path.write_bytes(bytes(sizes[name]))
    monkeypatch.setattr(limits, "UNPACKED_SIZE", 3_009)
    with pytest.raises(ConfigError, match=r"unpacked, has 3,010 .* large \(3,000\), small"):
        archive._check_sizes("function", files)
    monkeypatch.setattr(limits, "UNPACKED_SIZE", 3_010)
    monkeypatch.setattr(limits, "ZIP_SIZE", 30)
    with pytest.raises(ConfigError, match="zipped, has .* a container image"):
        archive._check_sizes("function", files)


@pytest.mark.parametrize(
    ("limit", "most", "says"),
    (
        (
            "DOCUMENT_SIZE",
            1_000,
            "the API document has .* bytes; AWS allows 1,000. Largest: .+ Share",
        ),
        ("DASHBOARD_WIDGETS", 5, r"the dashboard has \d+ widgets; AWS allows 5. Largest: .+ Split"),
        ("DASHBOARD_METRICS", 5, r"the dashboard has \d+ metrics; AWS allows 5. Largest: .+ Split"),
    ),
)
def test_a_part_that_aws_would_refuse_is_named_with_its_largest_parts(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, says: str
) -> None:
    monkeypatch.setattr(limits, limit, most)
    with pytest.raises(ConfigError, match=says):
        pulumi_program.declared_resources(STACK, config=plain())


@pytest.mark.parametrize(
    ("quota", "says"),
    (
        ("USAGE_PLANS", "1 usage plans; an account's default quota 'Usage plans per account' is 0"),
        ("API_RESOURCES", "one for each part of a path; an account's default quota 'Resources per"),
    ),
)
def test_more_than_an_accounts_default_quota_is_warned_about(
    monkeypatch: pytest.MonkeyPatch, quota: str, says: str
) -> None:
    monkeypatch.setattr(limits, quota, 0)
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    pulumi_program.declared_resources(STACK, config=plain())
    assert says in warnings[-1]
