"""`python -m tools.release.prune_versions OUTPUTS KEEP`: deletes versions that no rollback needs.

Lambda keeps versions for ever, and bills SnapStart for each. The newest KEEP (by default three) and
the live one stay: a rollback goes back by one version, a second rollback by another. A version
needs the policy that its description names. The role's policies for deleted versions go, too. If
the rest leave no room for another policy, more versions go: IAM limits the policies of a role
together.
"""

import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from tools import cli
from tools.release import pipeline_io, rollback

KEEP = 3
# IAM's characters of all inline policies of a role, without white space.
ROLE_POLICY_SIZE = 10_240
_RIGHTS = re.compile(r"Rights: (.+)-[0-9a-f]{8}")


def prune(client: Any, function: str, keep: int = KEEP) -> list[str]:
    """Delete all versions but the newest and the live one; return the deleted versions."""
    numbers = sorted(rollback.versions(client, function))
    live = int(rollback.live_version(client, function))
    old = [str(number) for number in numbers[:-keep] if number != live]
    for version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return old


def _policies(client: Any, iam: Any, function: str) -> tuple[str, list[str]]:
    """Return the role of a function and the names of its policies."""
    configuration = client.get_function_configuration(FunctionName=function)
    role = configuration["Role"].rpartition("/")[2]
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    return role, [name for page in pages for name in page["PolicyNames"]]


def prune_policies(client: Any, iam: Any, function: str) -> list[str]:
    """Delete the policies of the role that no version names; return their names.

    A version from before the policies had names may need any of them, so then all stay.
    """
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = [version for page in pages for version in page["Versions"]]
    named = [_RIGHTS.fullmatch(version["Description"]) for version in versions]
    needed = {found[0].removeprefix("Rights: ") for found in named if found}
    if not all(named):
        return []
    stems = {found[1] for found in named if found}
    role, names = _policies(client, iam, function)
    old = [name for name in names if name not in needed and name[:-9] in stems]
    for name in old:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    return old


def _is_full(client: Any, iam: Any, function: str) -> bool:
    """Return True if the role has no room for another policy of its largest size."""
    role, names = _policies(client, iam, function)
    found = [iam.get_role_policy(RoleName=role, PolicyName=name) for name in names]
    sizes = [len(json.dumps(one["PolicyDocument"], separators=(",", ":"))) for one in found]
    return sum(sizes) + max(sizes, default=0) > ROLE_POLICY_SIZE


def _run(path: str, keep: str) -> list[str]:
    client, iam = boto3.client("lambda"), boto3.client("iam")
    for function in rollback.functions(pipeline_io.read_outputs(Path(path))):
        deleted, policies = [], []
        for newest in range(int(keep or KEEP), 0, -1):
            deleted += prune(client, function, newest)
            policies += prune_policies(client, iam, function)
            if not _is_full(client, iam, function):
                break
        print(f"{function}: deleted {', '.join(deleted) or 'no version'}")
        for policy in policies:
            print(f"{function}: deleted policy {policy}")
    return []


main = partial(cli.run, _run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
