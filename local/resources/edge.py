"""The optional front of the API: a custom domain and a web application firewall."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, provisions, tag_list, take, take_pascal
from local.resources.routing import endpoint_configuration


@provisions("aws:apigateway/domainName:DomainName")
def _domain_name(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("domainName")
    made = context.client.create_domain_name(
        domainName=name,
        endpointConfiguration=endpoint_configuration(declared),
        tags=declared.pop("tags", {}),
        **take(
            declared,
            endpointAccessMode="endpointAccessMode",
            regionalCertificateArn="regionalCertificateArn",
            securityPolicy="securityPolicy",
        ),
    )
    return Provisioned(
        id=name,
        outputs={
            "regionalDomainName": made["regionalDomainName"],
            "regionalZoneId": made["regionalHostedZoneId"],
        },
        delete=partial(context.client.delete_domain_name, domainName=name),
    )


@provisions("aws:apigateway/basePathMapping:BasePathMapping")
def _base_path_mapping(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("domainName")
    context.client.create_base_path_mapping(
        domainName=name, restApiId=declared.pop("restApi"), stage=declared.pop("stageName")
    )
    return Provisioned(
        id=f"{name}/",
        delete=partial(context.client.delete_base_path_mapping, domainName=name, basePath="(none)"),
    )


@provisions("aws:route53/record:Record")
def _record(context: Context, declared: Properties) -> Provisioned:
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
        context.client.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )

    change("CREATE")
    identity = f"{zone}_{record['Name']}_{record['Type']}"
    return Provisioned(id=identity, delete=partial(change, "DELETE"))


@provisions("aws:wafv2/webAcl:WebAcl")
def _web_acl(context: Context, declared: Properties) -> Provisioned:
    where = {"Name": context.physical_name(declared), "Scope": declared.pop("scope")}
    settings = take_pascal(declared, "defaultAction", "rules", "visibilityConfig")
    made = context.client.create_web_acl(**where, Tags=tag_list(declared), **settings)["Summary"]
    return Provisioned(
        id=made["Id"],
        outputs={"arn": made["ARN"], "name": where["Name"]},
        delete=partial(
            context.client.delete_web_acl, **where, Id=made["Id"], LockToken=made["LockToken"]
        ),
    )


@provisions("aws:wafv2/webAclAssociation:WebAclAssociation")
def _web_acl_association(context: Context, declared: Properties) -> Provisioned:
    resource = declared.pop("resourceArn")
    context.client.associate_web_acl(WebACLArn=declared.pop("webAclArn"), ResourceArn=resource)
    return Provisioned(
        id=resource, delete=partial(context.client.disassociate_web_acl, ResourceArn=resource)
    )
