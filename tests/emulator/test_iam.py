"""IAM in the local run, where MiniStack's own falls short: a role has its rights, and no more."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.ministack import MiniStack
from tests.conftest import assume_role
from tests.emulator.conftest import role_of

WHERE = f"eu-central-1:{MiniStack.account}"


def _role(emulator: MiniStack, *allowed: Mapping[str, Any]) -> MiniStack:
    """Return the emulator as a new role sees it that is allowed these statements."""
    return assume_role(emulator, role_of(emulator, *allowed))


def test_parameters_are_read_by_path_and_by_names_under_a_narrow_arn(emulator: MiniStack) -> None:
    root = emulator.client("ssm")
    for name in ("/shop/dev/one", "/shop/dev/two", "/shop/prod/one"):
        root.put_parameter(Name=name, Value=name, Type="SecureString")
    own = f"arn:aws:ssm:{WHERE}:parameter/shop/dev"
    reading = ["ssm:GetParameters", "ssm:GetParametersByPath"]
    ssm = _role(emulator, {"Action": reading, "Resource": [own, f"{own}/*"]}).client("ssm")
    found = ssm.get_parameters_by_path(Path="/shop/dev", WithDecryption=True)["Parameters"]
    assert sorted(one["Value"] for one in found) == ["/shop/dev/one", "/shop/dev/two"]
    names = ["/shop/dev/one", "/shop/dev/two"]
    assert len(ssm.get_parameters(Names=names)["Parameters"]) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.get_parameters(Names=["/shop/dev/one", "/shop/prod/one"])
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.get_parameters_by_path(Path="/shop/prod")


def test_mail_is_sent_under_the_arn_of_the_identity_that_sends(emulator: MiniStack) -> None:
    emulator.client("ses").verify_email_identity(EmailAddress="shop@example.com")
    emulator.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    mail = {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}
    to = {"ToAddresses": ["shop@example.com"]}

    def send(identity: str) -> None:
        arn = f"arn:aws:ses:{WHERE}:identity/{identity}"
        role = _role(emulator, {"Action": "ses:SendEmail", "Resource": arn})
        role.client("ses").send_email(Source="shop@example.com", Destination=to, Message=mail)
        role.client("sesv2").send_email(
            FromEmailAddress="Shop <shop@example.com>", Destination=to, Content={"Simple": mail}
        )

    send("shop@example.com")
    with pytest.raises(ClientError, match="AccessDenied"):
        send("other@example.com")
