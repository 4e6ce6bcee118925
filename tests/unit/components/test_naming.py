"""Names of resources."""

import pytest

from components import ConfigError, checked_prefix, resource_prefix


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


def test_names_are_checked_against_awss_limits_with_the_longest_that_fits() -> None:
    long = "preview-of-a-branch-with-a-rather-long-name"
    with pytest.raises(ConfigError, match=r"may have 41 characters, for example 'preview-of-.*'"):
        checked_prefix("shops", long, ["function", "api"])
    fits = checked_prefix("shops", long[:41], ["function", "api"])
    assert len(f"{fits}-function-1234567") == 64
    with pytest.raises(ConfigError, match="project 'p+' must be shorter"):
        checked_prefix("p" * 60, "live", ["function"])
    with pytest.raises(ConfigError, match="stack 'a.b' must be letters, digits"):
        checked_prefix("shops", "a.b", ["function"])
