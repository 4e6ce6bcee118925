"""`python -m tools.engine`: the program under Pulumi's own engine, step by step.

The CLI is the one on PATH; where there is none, Go builds it once from its module. The AWS provider
is a stand-in: for the real one there is `make provider`. What cannot be had is a reason to skip,
which EPOCH_ENGINE=required makes an error.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from local.program import ROOT
from tools import command

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


def cli() -> Path:
    """Return Pulumi's CLI, building it where Go is at hand; raises Unavailable."""
    if found := shutil.which("pulumi"):
        return Path(found)
    built = ROOT / ".build" / f"pulumi-{CLI_VERSION}" / "pulumi"
    if not built.exists():
        if not shutil.which("go"):
            raise Unavailable("neither pulumi nor go is on PATH; install the Pulumi CLI")
        _build(built)
    return built


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


def _run() -> list[str]:
    started = time.monotonic()
    try:
        pulumi = cli()
    except Unavailable as reason:
        if os.environ.get("EPOCH_ENGINE") == "required":
            raise
        print(f"make engine: skipped: {reason}")
        return []
    path = f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    tests = [sys.executable, "-m", "pytest", "-v", "--no-header", "tests/real/engine.py"]
    status = subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode
    shown = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=True)
    print(
        f"make engine: Pulumi CLI {shown.stdout.strip()} with a stand-in for pulumi-aws, "
        f"{time.monotonic() - started:.0f} s"
    )
    return ["error: the real engine does not what it should; see above"] if status else []


if __name__ == "__main__":
    sys.exit(command.run(_run))
