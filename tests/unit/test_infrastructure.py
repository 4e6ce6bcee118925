"""The resources of infrastructure.py and their links."""

import json
from typing import Any

import pulumi_aws as aws
import pytest

from components import ConfigError, Linked, StackConfig
from console import diagram
from function import links
from function.declare import job_registry, registry
from function.declare.job import Job
from function.declare.permission import Link
from function.declare.trigger import ScheduleTrigger
from function.runtime.links import value
from local import pulumi_program
from tests.conftest import NAME, STACK, allowed, plain
from tools.checks import snapshot, terraform_json

ALERTS = Link("alerts", "sns", ("sns:Publish",))
CLICKS = Link("clicks", "kinesis", ("kinesis:PutRecord", "kinesis:PutRecords"))
USERS = Link("users", "cognito-idp", ("cognito-idp:AdminGetUser",), "arn:aws:cognito-idp:*:*:*")
CLIENT = Link("users-client")
REPORTS = Link("reports", "s3", ("s3:GetObject", "s3:ListBucket"))
ORDERS = Link("orders", "events", ("events:PutEvents",), "arn:aws:events:*:*:event-bus/orders")
BUS = "arn:aws:events:eu-central-1:111122223333:event-bus/orders"


def _infrastructure(name: str, _: StackConfig) -> dict[str, Linked]:
    """Declare a resource of each kind of link, and name an existing one by its ARN."""
    topic = aws.sns.Topic(f"{name}-alerts")
    stream = aws.kinesis.Stream(f"{name}-clicks", shard_count=1)
    pool = aws.cognito.UserPool(f"{name}-users")
    client = aws.cognito.UserPoolClient(f"{name}-web", user_pool_id=pool.id)
    bucket = aws.s3.Bucket(f"{name}-reports".replace("_", "."))
    return {
        "alerts": Linked(topic.arn),
        "clicks": Linked(stream.arn, stream.name),
        "users": Linked(pool.arn, pool.id),
        "users-client": Linked(value=client.id),
        "reports": Linked([bucket.arn, bucket.arn.apply(lambda arn: f"{arn}/*")], bucket.id),
        "orders": Linked(BUS),
    }


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Link all to the endpoint, and the stream to a job too."""
    found = (ALERTS, CLICKS, USERS, CLIENT, REPORTS, ORDERS)
    for link in found:
        monkeypatch.setattr(links, link.name.upper(), link, raising=False)
    endpoint = registry.load_endpoints()[0]._replace(permissions=found)
    job = Job(ScheduleTrigger("rate(1 day)"), summary="A.", handle=print, permissions=(CLICKS,))
    monkeypatch.setattr(registry, "load_endpoints", lambda: (endpoint,))
    monkeypatch.setattr(job_registry, "load_jobs", lambda: {"count": job})
    monkeypatch.setattr("infrastructure.infrastructure", _infrastructure)


def _resources() -> list[pulumi_program.Resource]:
    return pulumi_program.declared_resources(STACK, config=plain())


def _inputs(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        one.inputs for one in _resources() if one.kind.endswith(f":{kind}") and name in one.name
    ]
    return found


def _allowed(name: str) -> dict[str, list[str]]:
    others = ("logs:", "xray:", "sqs:")
    found = allowed(_resources(), f"{NAME}-{name}")
    return {action: arns for action, arns in found.items() if not action.startswith(others)}


def test_a_role_has_exactly_the_actions_of_the_links_that_its_endpoint_or_job_names() -> None:
    arn = f"arn:aws:{{}}:eu-central-1:123456789012:{NAME}-{{}}".format
    found = _allowed("function")
    bucket = arn("s3", "reports").replace("_", ".")
    assert found == {
        "sns:Publish": [arn("sns", "alerts")],
        "kinesis:PutRecord": [arn("kinesis", "clicks")],
        "kinesis:PutRecords": [arn("kinesis", "clicks")],
        "cognito-idp:AdminGetUser": [arn("cognito", "users")],
        "s3:GetObject": [bucket, f"{bucket}/*"],
        "s3:ListBucket": [bucket, f"{bucket}/*"],
        "events:PutEvents": [BUS],
    }
    assert _allowed("job-count").keys() == set(CLICKS.actions)


def test_a_handler_finds_the_resource_by_its_link_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = _inputs("Function", f"{NAME}-function")["environment"]["variables"]
    assert variables["LINK_USERS_CLIENT"] == f"UserPoolClient-{NAME}-web"
    assert variables["LINK_ORDERS"] == BUS
    of_job = _inputs("Function", "-job-count")["environment"]["variables"]
    assert [name for name in of_job if name.startswith("LINK_")] == ["LINK_CLICKS"]
    monkeypatch.setenv("LINK_ALERTS", "arn")
    assert value(ALERTS) == "arn"
    with pytest.raises(
        LookupError, match="LINK_CLICKS is missing: name 'clicks' in the permissions"
    ):
        value(CLICKS)


def test_a_link_without_a_resource_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.infrastructure", lambda *_: {})
    with pytest.raises(ConfigError, match=r"infrastructure.py: link 'alerts' has no resource"):
        _resources()


def test_a_link_outside_its_file_is_refused() -> None:
    (error,) = registry.reference_errors(Link("other"))
    assert error.startswith("unknown link 'other'; known: alerts, clicks")


@pytest.mark.parametrize("denied", ("sns:Publish", "cognito-idp:AdminGetUser"))
def test_a_link_outside_the_permissions_boundary_is_refused(
    monkeypatch: pytest.MonkeyPatch, denied: str
) -> None:
    names = {action for link in (ALERTS, CLICKS, USERS, REPORTS, ORDERS) for action in link.actions}
    allowed = {"Effect": "Allow", "Action": sorted(names - {denied}), "Resource": "*"}
    limits = json.dumps({"Statement": [allowed]})
    monkeypatch.setattr(pulumi_program.MockEngine, "policy", lambda *_: limits)
    config = plain(permissions_boundary="arn:aws:iam::111122223333:policy/x")
    with pytest.raises(ConfigError, match=rf"denies {denied} on .*pulumi -C bootstrap up"):
        pulumi_program.declared_resources(STACK, config=config)


def test_snapshot_scan_and_picture_have_the_resources() -> None:
    resources = _resources()
    shown = snapshot.text({STACK: resources})
    assert "aws:kinesis/stream:Stream <project>-<stack>-clicks" in shown
    files = terraform_json.render(resources)
    assert {"aws_kinesis_stream.tf.json", "aws_cognito_user_pool.tf.json"} <= files.keys()
    (card,) = [one for one in diagram.cards(resources) if one.title == "infrastructure.py"]
    assert len(card.resources) == 5
    assert {label for _, label, _ in card.rows()} >= {"Stream", "UserPool"}
