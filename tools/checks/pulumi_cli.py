"""`python -m tools.checks.pulumi_cli`: tests the program with the real Pulumi engine.

It uses the CLI on PATH, or builds it once with Go. The AWS provider is a stand-in first; if Pulumi
can install pulumi-aws, that runs against the emulator afterwards. A missing tool skips the tests;
EPOCH_ENGINE=required makes it an error.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from local.stack_files import ROOT
from tools import cli as command

CLI_VERSION = "3.274.1"

_MODULE = f"""module epoch/pulumi

go 1.24

require github.com/pulumi/pulumi/pkg/v3 v{CLI_VERSION}

// From that module's own go.mod, whose replacements do not apply here.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
"""
_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


class Unavailable(RuntimeError):
    """A required tool is missing; the message says how to install it."""


def _built() -> Path:
    return ROOT / ".build" / f"pulumi-{CLI_VERSION}" / "pulumi"


def at_hand() -> Path | None:
    """Return Pulumi's CLI from PATH or from an earlier build, or None."""
    if found := shutil.which("pulumi"):
        return Path(found)
    return _built() if _built().exists() else None


def cli() -> Path:
    """Return Pulumi's CLI; build it with Go if necessary. Raises Unavailable."""
    if found := at_hand():
        return found
    if not shutil.which("go"):
        raise Unavailable("neither pulumi nor go is on PATH; install the Pulumi CLI")
    _build(_built())
    return _built()


def on_path(pulumi: Path) -> dict[str, str]:
    """Return the environment variable that puts this CLI first on PATH."""
    return {"PATH": f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}"}


def _build(target: Path) -> None:
    """Build the CLI from its Go module, which Go verifies by its checksum database."""
    source = target.parent / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "go.mod").write_text(_MODULE, encoding="utf-8")
    build = [
        *("nice", "go", "build", "-mod=mod", "-ldflags", f"-X {_VERSION}=v{CLI_VERSION}"),
        *("-o", str(target.with_suffix(".new")), "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ]
    print(
        f"building the Pulumi CLI {CLI_VERSION} from its Go module, once: some minutes", flush=True
    )
    if subprocess.run(build, cwd=source, check=False).returncode:
        raise Unavailable("go cannot build the Pulumi CLI; install the Pulumi CLI")
    target.with_suffix(".new").rename(target)


def plugin(pulumi: Path) -> Path | None:
    """Return the plugin folder with pulumi-aws in the program's version, or None.

    Pulumi downloads the plugin once for all projects.
    """
    version = metadata.version("pulumi-aws")
    print(f"looking for pulumi-aws's plugin {version}", flush=True)
    install = [str(pulumi), "plugin", "install", "resource", "aws", version]
    run = subprocess.run(install, capture_output=True, text=True, check=False)
    home = os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"
    return Path(home, "plugins") if run.returncode == 0 else None


def run(
    target: str, name: str, prepare: Callable[[], tuple[str, Mapping[str, str]]], *options: str
) -> list[str]:
    """Run tests/integration/<name>.py for a Make target; return the error lines.

    `prepare` returns a description of the tools and the environment variables for them. `options`
    go to pytest.
    """
    started = time.monotonic()
    try:
        found, environment = prepare()
    except Unavailable as reason:
        if os.environ.get("EPOCH_ENGINE") == "required":
            raise
        print(f"make {target}: skipped: {reason}")
        return []
    # Their tests depend on the order.
    in_order = ("-p", "no:randomly")
    module = f"tests/integration/{name}.py"
    tests = [sys.executable, "-m", "pytest", "-v", "--no-header", *in_order, *options, module]
    status = subprocess.run(tests, cwd=ROOT, env={**os.environ, **environment}, check=False)
    print(f"make {target}: {found}, {time.monotonic() - started:.0f} s")
    return [f"error: make {target} failed; see above"] if status.returncode else []


def _prepare() -> tuple[str, Mapping[str, str]]:
    pulumi = cli()
    shown = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=True)
    plugins = plugin(pulumi)
    provider = "a stand-in for pulumi-aws" + (", and itself" if plugins else "")
    return f"Pulumi CLI {shown.stdout.strip()} with {provider}", {
        **on_path(pulumi),
        "EPOCH_PLUGINS": str(plugins or ""),
    }


if __name__ == "__main__":
    sys.exit(command.run(lambda: run("test-pulumi", "engine", _prepare)))
