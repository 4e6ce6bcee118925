"""Calls a running stack by the client that openapi-python-client made; prints the responses."""

import json
import sys

# pylint: disable=import-error  # made from the document, beside this file
from epoch_client import AuthenticatedClient
from epoch_client.api.default import post_epoch
from epoch_client.models import Epoch, Problem

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-api-key")
first, again = (post_epoch.sync(client=client, idempotency_key="a-client") for _ in range(2))
assert isinstance(first, Epoch) and first == again, (first, again)
wrong = AuthenticatedClient(base_url=url, token="no", prefix="", auth_header_name="x-api-key")
refused = post_epoch.sync(client=wrong)
assert isinstance(refused, Problem), refused
print(json.dumps({"epoch": repr(first.epoch), "ip": first.ip, "status": refused.status}))
