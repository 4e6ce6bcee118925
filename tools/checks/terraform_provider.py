"""`python -m tools.checks.terraform_provider`: applies the program with the real AWS provider.

It uses `terraform` from PATH, and the provider from a mirror on this machine or from Terraform's
registry. The target is the emulator. A missing tool skips the tests; EPOCH_ENGINE=required makes
it an error.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from local.stack_files import ROOT
from tools import cli
from tools.checks import pulumi_cli
from tools.checks.pulumi_cli import Unavailable

# The newest provider that the authors can get; pulumi-aws is generated from 6.x.
PROVIDER = "5.100.0"
# Properties that it lacks, by type. tests/unit/test_provider_types.py checks them instead.
NEWER: Mapping[str, tuple[str, ...]] = {
    "aws_api_gateway_domain_name": ("security_policy", "endpoint_access_mode"),
    "aws_api_gateway_rest_api": ("security_policy", "endpoint_access_mode"),
}

NEEDS = f"""terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws", version = "{PROVIDER}" }}
  }}
}}

provider "aws" {{
  s3_use_path_style = true # the emulator has no DNS
}}
"""


def _mirrored() -> str:
    """Return the CLI config for a provider mirror on this machine, or "" if there is none."""
    for root in (Path.home(), Path("/opt"), Path("/usr/share"), Path("/usr/local/share")):
        for depth in ("*", "*/*"):
            for found in root.glob(f"{depth}/registry.terraform.io/hashicorp/aws/{PROVIDER}"):
                mirror = json.dumps(str(found.parents[3]))
                return f"provider_installation {{\n  filesystem_mirror {{ path = {mirror} }}\n}}\n"
    return ""


def _check(environment: Mapping[str, str]) -> str:
    """Return Terraform's version; raise Unavailable if it or the provider is missing."""
    if not shutil.which("terraform"):
        raise Unavailable("terraform is not on PATH; install it")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "needs.tf").write_text(NEEDS, encoding="utf-8")
        init = ["terraform", f"-chdir={folder}", "init", "-no-color"]
        own = {**os.environ, **environment}
        run = subprocess.run(init, env=own, capture_output=True, check=False)
        if run.returncode:
            raise Unavailable(f"terraform cannot get the AWS provider {PROVIDER}")
    shown = subprocess.run(["terraform", "version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def _prepare() -> tuple[str, Mapping[str, str]]:
    environment = {}
    if mirrored := _mirrored():
        config = ROOT / ".build" / "terraform.rc"
        config.parent.mkdir(exist_ok=True)
        config.write_text(mirrored, encoding="utf-8")
        environment = {"TF_CLI_CONFIG_FILE": str(config)}
    version = _check(environment)
    lacking = ", ".join(f"{kind}.{name}" for kind, names in NEWER.items() for name in names)
    found = (
        f"Terraform {version} with the AWS provider {PROVIDER} and MiniStack; pulumi-aws "
        f"{metadata.version('pulumi-aws')} is generated from a provider 6.x. Not applied: {lacking}"
    )
    return found, environment


if __name__ == "__main__":
    # The stacks in parallel, because the provider mostly waits.
    parallel = ("-n", "2", "--dist", "loadscope")
    sys.exit(cli.run(lambda: pulumi_cli.run("test-terraform", "provider", _prepare, *parallel)))
