"""Secret config values stay secret in every property."""

import json

import pytest

from local import stack_files
from tests.conftest import declare

pytestmark = pytest.mark.conformance


VALUES = {
    "alarm_email": "somebody@example.com",
    "owner": "nobody-knows",
    "permissions_boundary": "arn:aws:iam::123456789012:policy/whatever",
    "runbook_url": "https://example.com/niemand-weiß",
    "trace_sampling_rate": "0.123",
    "waf_rate_limit": "12345",
}


def test_a_secret_value_is_a_secret_wherever_a_resource_gets_it() -> None:
    resources = declare(**{key: stack_files.Secret(value) for key, value in VALUES.items()})
    for value in VALUES.values():
        forms = (value, json.dumps(value)[1:-1])
        hidden = {
            (resource.name, name): name in resource.secret
            for resource in resources
            for name, given in resource.inputs.items()
            if any(form in str(given) for form in forms)
        }
        assert hidden and all(hidden.values()), hidden
