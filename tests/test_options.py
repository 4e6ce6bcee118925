"""What a stack can switch on, in the emulator: all of it at once."""

import json
from typing import Any

import pytest

from local import deploy
from local.ministack import MiniStack
from tests.conftest import declare, one

DOMAIN = "api.example.com"


def prerequisites(emulator: MiniStack) -> dict[str, str]:
    """Make what a stack's options refer to, as root; return them as config."""
    certificate = emulator.client("acm").request_certificate(DomainName=DOMAIN)
    zone = emulator.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    boundary = emulator.client("iam").create_policy(
        PolicyName="boundary",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        ),
    )
    return {
        "epoch:domain_name": DOMAIN,
        "epoch:certificate_arn": certificate["CertificateArn"],
        "epoch:hosted_zone_id": zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        "epoch:permissions_boundary": boundary["Policy"]["Arn"],
        "epoch:waf_rate_limit": "2000",
        "epoch:replica_regions": '["eu-west-1"]',
        "epoch:reserved_concurrency": "20",
        "epoch:provisioned_concurrency": "1",
        "epoch:alarm_email": "on-call@example.com",
        "epoch:usage_plans": json.dumps(
            {
                "standard": {"rate_limit": 50, "burst_limit": 100, "quota_per_day": 1000},
                "trial": {"rate_limit": 1, "burst_limit": 1, "quota_per_day": 2},
            }
        ),
        "epoch:api_keys": json.dumps({"default": "standard", "visitor": "trial"}),
    }


def test_every_option_deploys_works_and_goes_away() -> None:
    with deploy.account("eu-central-1") as account:
        emulator = account.emulator
        config = prerequisites(emulator)
        with deploy.up_in(account, "prod", config=config) as stack:
            assert stack.outputs["endpoint"] == f"https://{DOMAIN}/epoch"
            (mapping,) = emulator.client("apigateway").get_base_path_mappings(domainName=DOMAIN)[
                "items"
            ]
            assert mapping["stage"] == "prod"
            records = emulator.client("route53").list_resource_record_sets(
                HostedZoneId=config["epoch:hosted_zone_id"]
            )["ResourceRecordSets"]
            assert f"{DOMAIN}." in {record["Name"] for record in records}
            (firewall,) = emulator.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
            assert firewall["Name"].startswith("epoch-prod-firewall")
            table = emulator.client("dynamodb").describe_table(
                TableName=stack.outputs["table_name"]
            )["Table"]
            assert [replica["RegionName"] for replica in table["Replicas"]] == ["eu-west-1"]
            function = stack.outputs["function_name"]
            client = emulator.client("lambda")
            assert (
                client.get_function_concurrency(FunctionName=function)[
                    "ReservedConcurrentExecutions"
                ]
                == 20
            )
            role = client.get_function_configuration(FunctionName=function)["Role"]
            name = role.rsplit("/", 1)[1]
            found = emulator.client("iam").get_role(RoleName=name)["Role"]
            assert found["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("boundary")
        assert not emulator.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
        assert not emulator.client("apigateway").get_domain_names()["items"]


def test_each_key_has_the_limits_of_its_plan() -> None:
    config = {
        "epoch:usage_plans": json.dumps(
            {
                "standard": {"rate_limit": 50, "burst_limit": 100, "quota_per_day": 1000},
                "trial": {"rate_limit": 50, "burst_limit": 100, "quota_per_day": 2},
            }
        ),
        "epoch:api_keys": json.dumps({"default": "standard", "visitor": "trial"}),
    }
    with deploy.up("dev", config=config) as stack:
        visitor = stack.outputs["api_keys"]["visitor"]
        assert stack.outputs["api_key"] == stack.outputs["api_keys"]["default"] != visitor
        answers = [stack.call(key=visitor) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert answers[2].headers["Content-Type"] == "application/problem+json"
        assert stack.call().status == 201


def test_snap_start_is_for_published_versions() -> None:
    function = one(declare("prod", snap_start="true"), "aws:lambda/function:Function")
    assert function["snapStart"] == {"applyOn": "PublishedVersions"}


@pytest.mark.parametrize("stack", ("dev", "prod"))
def test_what_is_off_by_default_is_not_declared(stack: str) -> None:
    found: dict[str, Any] = {resource.kind: resource.inputs for resource in declare(stack)}
    optional = ("domainName:", "webAcl:", "route53/", "provisionedConcurrencyConfig:", "Subscri")
    assert not [kind for kind in found if any(part in kind for part in optional)]
    function = found["aws:lambda/function:Function"]
    assert "reservedConcurrentExecutions" not in function and "snapStart" not in function
    assert "replicas" not in found["aws:dynamodb/table:Table"]
