"""The addresses under which callers reach the API."""

from tests.conftest import declare, one

API = "aws:apigateway/restApi:RestApi"
DOMAIN = {
    "domain_name": "api.example.com",
    "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/one",
    "hosted_zone_id": "Z1",
}


def test_api_and_domain_take_ipv4_and_ipv6() -> None:
    resources = declare(**DOMAIN)
    for kind in (API, "aws:apigateway/domainName:DomainName"):
        configuration = one(resources, kind)["endpointConfiguration"]
        assert configuration == {"types": "REGIONAL", "ipAddressType": "dualstack"}
    records = [r.inputs for r in resources if r.kind == "aws:route53/record:Record"]
    assert {record["type"] for record in records} == {"A", "AAAA"}
    assert records[0]["aliases"] == records[1]["aliases"]


def test_a_domain_can_be_the_only_address() -> None:
    assert "disableExecuteApiEndpoint" not in one(declare(**DOMAIN), API)
    closed = one(declare(**DOMAIN, disable_default_endpoint="true"), API)
    assert closed["disableExecuteApiEndpoint"] is True
