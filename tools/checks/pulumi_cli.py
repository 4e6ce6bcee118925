"""`python -m tools.checks.pulumi_cli`: the program under Pulumi's own engine, step by step.

The CLI is the one on PATH; where there is none, Go builds it once from its module. The AWS provider
is a stand-in, and after that pulumi-aws itself, against the emulator, where Pulumi can install it.
What cannot be had is a reason to skip, which EPOCH_ENGINE=required makes an error.
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

// As in that module's own go.mod, whose replacements do not reach here.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
"""
_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_PROGRESS_S = 15


class Unavailable(RuntimeError):
    """What a command needs and this machine does not have, and how to get it."""


def _built() -> Path:
    return ROOT / ".build" / f"pulumi-{CLI_VERSION}" / "pulumi"


def at_hand() -> Path | None:
    """Return Pulumi's CLI where it is on PATH, or has been built."""
    if found := shutil.which("pulumi"):
        return Path(found)
    return _built() if _built().exists() else None


def cli() -> Path:
    """Return Pulumi's CLI, building it where Go is at hand; raises Unavailable."""
    if found := at_hand():
        return found
    if not shutil.which("go"):
        raise Unavailable("neither pulumi nor go is on PATH; install the Pulumi CLI")
    _build(_built())
    return _built()


def on_path(pulumi: Path) -> dict[str, str]:
    """Return what has a process take this CLI."""
    return {"PATH": f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}"}


def _build(target: Path) -> None:
    """Build the CLI from its Go module, whose files Go checks against its checksum database."""
    source = target.parent / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "go.mod").write_text(_MODULE, encoding="utf-8")
    log = source / "build.log"
    build = [
        *("nice", "go", "build", "-v", "-mod=mod", "-ldflags", f"-X {_VERSION}=v{CLI_VERSION}"),
        *("-o", str(target.with_suffix(".new")), "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ]
    print(f"building the Pulumi CLI {CLI_VERSION} from its Go module, once", flush=True)
    started = time.monotonic()
    with log.open("wb") as output, subprocess.Popen(build, cwd=source, stderr=output) as process:
        while True:
            try:
                status = process.wait(timeout=_PROGRESS_S)
                break
            except subprocess.TimeoutExpired:
                lines = log.read_text(encoding="utf-8").count("\n")
                print(f"  {time.monotonic() - started:4.0f} s, {lines} packages", flush=True)
    if status:
        last = (log.read_text(encoding="utf-8").strip().splitlines() or ["go said nothing"])[-1]
        raise Unavailable(f"go cannot build the Pulumi CLI ({last}); install the Pulumi CLI")
    target.with_suffix(".new").rename(target)


def plugin(pulumi: Path) -> Path | None:
    """Return the folder of plugins that has pulumi-aws's own, of the version that the program is
    written against; None where it cannot be had. Pulumi downloads it once, for every project."""
    version = metadata.version("pulumi-aws")
    print(f"looking for pulumi-aws's plugin {version}", flush=True)
    install = [str(pulumi), "plugin", "install", "resource", "aws", version]
    run = subprocess.run(install, capture_output=True, text=True, check=False)
    home = os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"
    return Path(home, "plugins") if run.returncode == 0 else None


def run(name: str, prepare: Callable[[], tuple[str, Mapping[str, str]]]) -> list[str]:
    """Run tests/real/<name>.py with what `prepare` finds: a line on it, and environment; return
    what is wrong."""
    started = time.monotonic()
    try:
        found, environment = prepare()
    except Unavailable as reason:
        if os.environ.get("EPOCH_ENGINE") == "required":
            raise
        print(f"make {name}: skipped: {reason}")
        return []
    tests = [sys.executable, "-m", "pytest", "-v", "--no-header", f"tests/real/{name}.py"]
    status = subprocess.run(tests, cwd=ROOT, env={**os.environ, **environment}, check=False)
    print(f"make {name}: {found}, {time.monotonic() - started:.0f} s")
    return [f"error: make {name} failed; see above"] if status.returncode else []


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
    sys.exit(command.run(lambda: run("engine", _prepare)))
