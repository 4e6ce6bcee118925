"""Calls a running stack by the client that openapi-python-client made; prints what it saw.

Standard input has the call: the operation's module and the arguments of its function.
"""

import importlib
import inspect
import json
import sys

from generated_client import AuthenticatedClient
from generated_client.models import Problem

url, key = sys.argv[1:]
call = json.load(sys.stdin)
send = importlib.import_module(f"generated_client.api.default.{call['operation']}").sync_detailed
arguments = call["arguments"]
if call["body"] is not None:
    body = inspect.get_annotations(send, eval_str=True)["body"]
    arguments["body"] = body.from_dict(call["body"])


def answer(token: str):
    """Return the response to the call with an API key."""
    auth = {"token": token, "prefix": "", "auth_header_name": "x-api-key"}
    return send(client=AuthenticatedClient(base_url=url, **auth), **arguments)


given, refused = answer(key), answer("no")
assert not isinstance(given.parsed, Problem), given
problem = isinstance(refused.parsed, Problem) and refused.parsed.status
print(json.dumps({"status": given.status_code, "refused": problem}))
