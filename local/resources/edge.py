"""The optional front of the API: a custom domain and a web application firewall."""

from functools import partial

from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, provisions
from local.pulumi_program import Properties

CALLS = {
    "aws:apigateway/domainName:DomainName": Calls(
        "create_domain_name",
        outputs={
            "regionalDomainName": "{regionalDomainName}",
            "regionalZoneId": "{regionalHostedZoneId}",
        },
    ),
    "aws:apigateway/basePathMapping:BasePathMapping": Calls(
        "create_base_path_mapping",
        renamed={"restApi": "restApiId", "stageName": "stage"},
        deletion={"basePath": "(none)"},
    ),
    "aws:wafv2/webAcl:WebAcl": Calls("create_web_acl", named="Name", id="{Id}", arn="{ARN}"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Calls(
        "associate_web_acl", delete="disassociate_web_acl"
    ),
}


@provisions("aws:route53/record:Record")
def _record(context: Context, declared: Properties) -> Provisioned:
    zone = declared.pop("zoneId")
    (alias,) = declared.pop("aliases")
    alias["dnsName"], alias["hostedZoneId"] = alias.pop("name"), alias.pop("zoneId")
    record = {"name": declared.pop("name"), "type": declared.pop("type"), "aliasTarget": alias}

    def change(action: str) -> None:
        changes = {"changes": [{"action": action, "resourceRecordSet": record}]}
        change = {"hostedZoneId": zone, "changeBatch": changes}
        operation = "change_resource_record_sets"
        context.client.change_resource_record_sets(**arguments(context.client, operation, change))

    change("CREATE")
    return Provisioned(delete=partial(change, "DELETE"))
