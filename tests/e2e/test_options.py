"""The options of a stack, in the emulator: all of them at once."""

import json

import pytest

from local import local_stack, provisioner, pulumi_program
from local.deployment import Deployer
from local.ministack import MiniStack
from tests.conftest import NAME, PLANS, PROJECT, STACK, beside, keys, plain

DOMAIN = "api.example.com"
_TRIAL = {"rate_limit": 1, "burst_limit": 1, "quota_per_day": 2}
# The options that refer to no other resource.
OPTIONS = {
    "alarm_email": "on-call@example.com",
    "api_keys": '{"default": "basic", "visitor": "trial"}',
    "backup_days": "30",
    "max_write_units": "1000",
    "monthly_budget_usd": "50",
    "provisioned_concurrency": "1",
    "recovery_period_days": "7",
    "replica_regions": '["eu-west-1"]',
    "reserved_concurrency": "20",
    "usage_plans": json.dumps({**PLANS, "trial": _TRIAL}),
    "waf_rate_limit": "2000",
}


def prerequisites(emulator: MiniStack) -> dict[str, str]:
    """Create the resources that a stack's options refer to, as root; return their config."""
    certificate = emulator.client("acm").request_certificate(DomainName=DOMAIN)
    zone = emulator.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    boundary = emulator.client("iam").create_policy(
        PolicyName="boundary",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    return {
        f"{PROJECT}:domain_name": DOMAIN,
        f"{PROJECT}:certificate_arn": certificate["CertificateArn"],
        f"{PROJECT}:hosted_zone_id": zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        f"{PROJECT}:permissions_boundary": boundary["Policy"]["Arn"],
        f"{PROJECT}:manage_api_gateway_account": "false",  # the boundary excludes it
        **keys(**OPTIONS, protect_data="true"),
    }


def test_every_option_deploys_works_and_goes_away(capfd: pytest.CaptureFixture[str]) -> None:
    own: dict[str, bool] = {}

    def note(resource: pulumi_program.Resource, seconds: float | None) -> None:
        known = seconds is not None or resource.kind in provisioner.NOT_EMULATED
        if "epoch:components:" in resource.urn:  # the rest is of infrastructure.py
            own[f"{resource.kind} ({resource.name}): the local run ignores"] = known

    with local_stack.emulated_account("eu-central-1") as account:
        emulator = account.emulator
        config = prerequisites(emulator)
        engine = Deployer(emulator, note)
        with beside(account, STACK, {**plain(), **config}, engine) as stack:
            assert stack.outputs["api_url"] == f"https://{DOMAIN}"
            assert stack.outputs["custom_domain_target"].endswith(".amazonaws.com")
            gateway = emulator.client("apigateway")
            (mapping,) = gateway.get_base_path_mappings(domainName=DOMAIN)["items"]
            assert mapping["stage"] == STACK
            records = emulator.client("route53").list_resource_record_sets(
                HostedZoneId=config[f"{PROJECT}:hosted_zone_id"]
            )["ResourceRecordSets"]
            assert f"{DOMAIN}." in {record["Name"] for record in records}
            (firewall,) = emulator.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
            assert firewall["Name"].startswith(f"{NAME}-firewall")
            dynamodb = emulator.client("dynamodb")
            name = dynamodb.list_tables()["TableNames"][0]
            table = dynamodb.describe_table(TableName=name)["Table"]
            assert [replica["RegionName"] for replica in table["Replicas"]] == ["eu-west-1"]
        assert not emulator.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
        assert not emulator.client("apigateway").get_domain_names()["items"]
    said = capfd.readouterr().err
    ignored = [start for start in own if start in said]
    # Another region has the settings of a replica.
    assert all(own.values()) and all("tableReplica" in start for start in ignored), ignored


@pytest.mark.conformance
def test_each_key_has_the_limits_of_its_plan(local: local_stack.LocalStack) -> None:
    visitor = local.outputs["api_keys"]["visitor"]
    assert local.outputs["default_api_key"] == local.outputs["api_keys"]["default"] != visitor
    ok = local.call().status
    assert ok < 300
    answers = [local.call(key=visitor) for _ in range(3)]
    assert [answer.status for answer in answers] == [*[ok] * 2, 429]
    assert answers[2].headers["Content-Type"] == "application/problem+json"
    assert local.call().status == ok
