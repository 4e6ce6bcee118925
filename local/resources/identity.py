"""Managed policies and identity providers, which an account needs before a stack."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, provisions


@provisions("aws:iam/policy:Policy")
def _policy(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    arn = context.client.create_policy(
        PolicyName=name, Path=declared.pop("path"), PolicyDocument=declared.pop("policy")
    )["Policy"]["Arn"]
    return Provisioned(
        id=arn,
        outputs={"name": name, "arn": arn},
        delete=partial(context.client.delete_policy, PolicyArn=arn),
    )


@provisions("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
def _oidc_provider(context: Context, declared: Properties) -> Provisioned:
    arn = context.client.create_open_id_connect_provider(
        Url=declared.pop("url"), ClientIDList=declared.pop("clientIdLists")
    )["OpenIDConnectProviderArn"]
    return Provisioned(
        id=arn,
        outputs={"arn": arn},
        delete=partial(
            context.client.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn
        ),
    )
