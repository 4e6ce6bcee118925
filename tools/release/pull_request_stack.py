"""`python -m tools.release.pull_request_stack`: the stacks of pull requests.

Its arguments are `up NUMBER BOUNDARY`, `down NUMBER` or `expired`. BOUNDARY is the ARN of the
roles' permissions boundary.

The stack pr-NUMBER has the default stack's config, but only the keys that every stack needs: no
domain, no alarm address, no protection of data. Its secrets are placeholders. A tag in Pulumi's
state holds the day of its removal, which each `up` moves on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import yaml

from function.declare.registry import load_settings
from local import stack_files
from local.stack_files import Secret
from tools import cli
from tools.release import pipeline_io

DAYS = 7
TAG = "expires"
PLACEHOLDER = "placeholder"
KEYS = (
    *("owner", "memory_mb", "timeout_s", "log_retention_days"),
    *("usage_plans", "api_keys", "stage_throttle", "trusted_proxy_count"),
)


def config(boundary: str) -> dict[str, str]:
    """Return the config of a pull request's stack, apart from its secrets."""
    project, settings = stack_files.project_name(), load_settings()
    names = (f"{project}:{name}" for name in (*KEYS, *settings))
    given = stack_files.stack_config(stack_files.default_stack())
    found = {
        name: given[name]
        for name in ("aws:region", *names)
        if name in given and not isinstance(given[name], Secret)
    }
    return found | ({f"{project}:permissions_boundary": boundary} if boundary else {})


def pulumi(*words: str, capture: bool = False) -> str:
    """Run the Pulumi CLI and return its captured output; raise CommandError if it fails."""
    run = subprocess.run(
        ["pulumi", *words, "--non-interactive", "--color", "never"],
        cwd=stack_files.ROOT,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if run.returncode:
        raise pipeline_io.CommandError(f"pulumi {' '.join(words[:2])} failed; see above")
    return run.stdout or ""


def stacks() -> list[str]:
    """Return the stacks with a day of removal."""
    listed = json.loads(pulumi("stack", "ls", "--tag", TAG, "--json", capture=True))
    return [entry["name"] for entry in listed]


def up(number: str, boundary: str = "") -> list[str]:
    """Bring a pull request's stack up, or up to date."""
    stack = f"pr-{int(number)}"
    file = stack_files.ROOT / f"Pulumi.{stack}.yaml"
    file.write_text(yaml.safe_dump({"config": config(boundary)}), encoding="utf-8")
    pulumi("stack", "select", stack, "--create")
    day = datetime.now(UTC).date() + timedelta(days=DAYS)
    pulumi("stack", "tag", "set", TAG, day.isoformat(), "--stack", stack)
    for name, setting in load_settings().items():
        if setting.secret:
            pulumi("config", "set", "--secret", name, PLACEHOLDER, "--stack", stack)
    pulumi("up", "--yes", "--stack", stack)
    pipeline_io.summarize(f"The stack `{stack}` is up until {day}.")
    return []


def _remove(stack: str) -> None:
    pulumi("destroy", "--yes", "--remove", "--stack", stack)
    print(f"{stack} is removed")


def down(number: str) -> list[str]:
    """Remove a pull request's stack, if there is one."""
    stack = f"pr-{int(number)}"
    if stack in stacks():
        _remove(stack)
    else:
        print(f"{stack} does not exist")
    return []


def expired() -> list[str]:
    """Remove the stacks whose day has come; return an error line for each failure."""
    today, errors = datetime.now(UTC).date().isoformat(), []
    for stack in stacks():
        if pulumi("stack", "tag", "get", TAG, "--stack", stack, capture=True).strip() <= today:
            try:
                _remove(stack)
            except pipeline_io.CommandError as error:
                errors.append(f"error: {stack} is not removed: {error}")
    return errors


COMMANDS: Mapping[str, Callable[..., list[str]]] = {"up": up, "down": down, "expired": expired}


def main(arguments: list[str]) -> int:
    """Return 0 if the stack is up or removed."""
    command, *rest = arguments
    return cli.run(COMMANDS[command], rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
