"""What may stand in front of the API: a custom domain and a web application firewall."""

from functools import partial

from local.program import Properties
from local.provisioner import Context, Created, pascal, present, tag_list, translates


@translates("aws:apigateway/domainName:DomainName")
def _domain_name(context: Context, declared: Properties) -> Created:
    client = context.stack.client("apigateway")
    name = declared.pop("domainName")
    made = client.create_domain_name(
        domainName=name,
        endpointConfiguration={"types": [declared["endpointConfiguration"].pop("types")]},
        tags=declared.pop("tags", {}),
        **present(
            declared,
            endpointAccessMode="endpointAccessMode",
            regionalCertificateArn="regionalCertificateArn",
            securityPolicy="securityPolicy",
        ),
    )
    return Created(
        id=name,
        outputs={
            "regionalDomainName": made["regionalDomainName"],
            "regionalZoneId": made["regionalHostedZoneId"],
        },
        delete=partial(client.delete_domain_name, domainName=name),
    )


@translates("aws:apigateway/basePathMapping:BasePathMapping")
def _base_path_mapping(context: Context, declared: Properties) -> Created:
    client = context.stack.client("apigateway")
    name = declared.pop("domainName")
    client.create_base_path_mapping(
        domainName=name, restApiId=declared.pop("restApi"), stage=declared.pop("stageName")
    )
    return Created(
        id=f"{name}/",
        delete=partial(client.delete_base_path_mapping, domainName=name, basePath="(none)"),
    )


@translates("aws:route53/record:Record")
def _record(context: Context, declared: Properties) -> Created:
    client = context.stack.client("route53")
    zone = declared.pop("zoneId")
    (alias,) = declared.pop("aliases")
    record = {
        "Name": declared.pop("name"),
        "Type": declared.pop("type"),
        "AliasTarget": {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        },
    }

    def change(action: str) -> None:
        client.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )

    change("CREATE")
    return Created(id=f"{zone}_{record['Name']}", delete=partial(change, "DELETE"))


@translates("aws:wafv2/webAcl:WebAcl")
def _web_acl(context: Context, declared: Properties) -> Created:
    client = context.stack.client("wafv2")
    where = {"Name": context.physical_name(declared), "Scope": declared.pop("scope")}
    settings = {
        setting: declared.pop(setting) for setting in ("defaultAction", "rules", "visibilityConfig")
    }
    made = client.create_web_acl(**where, Tags=tag_list(declared), **pascal(settings))["Summary"]
    return Created(
        id=made["Id"],
        outputs={"arn": made["ARN"], "name": where["Name"]},
        delete=partial(client.delete_web_acl, **where, Id=made["Id"], LockToken=made["LockToken"]),
    )


@translates("aws:wafv2/webAclAssociation:WebAclAssociation")
def _web_acl_association(context: Context, declared: Properties) -> Created:
    client = context.stack.client("wafv2")
    resource = declared.pop("resourceArn")
    client.associate_web_acl(WebACLArn=declared.pop("webAclArn"), ResourceArn=resource)
    return Created(id=resource, delete=partial(client.disassociate_web_acl, ResourceArn=resource))
