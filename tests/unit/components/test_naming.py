"""Names of resources."""

import pytest

from components import ConfigError, naming, resource_prefix
from local import pulumi_program
from tests.conftest import STACK, plain


@pytest.mark.parametrize(
    ("one", "other"),
    (
        (("shop", "live"), ("shop", "live-eu")),
        (("shop", "live"), ("shop-live", "eu")),
        (("shop", "eu-live"), ("shop-eu", "live")),
    ),
)
def test_no_stacks_names_begin_with_anothers(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not resource_prefix(*other).startswith(f"{resource_prefix(*one)}-") and resource_prefix(
        *one
    ) != resource_prefix(*other)


@pytest.mark.parametrize("stack", ("live_eu", "live.eu", ""))
def test_a_name_that_could_be_taken_for_anothers_is_refused(stack: str) -> None:
    with pytest.raises(ConfigError, match="must be letters, digits and '-'"):
        resource_prefix("shop", stack)


def test_a_role_whose_name_aws_would_refuse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = "a" * (64 - len("-1234567"))
    naming.check_length(longest)
    with pytest.raises(ConfigError, match="to 64 characters; a+ with Pulumi's suffix has 1 more"):
        naming.check_length(f"{longest}a")
    monkeypatch.setattr(naming, "_LONGEST", 9)
    with pytest.raises(ConfigError, match="shorten the name of the stack, the project or the job"):
        pulumi_program.declared_resources(STACK, config=plain())
