"""`python -m tools.release.release_notes TAG`: prints what a tag releases, a line for each
commit."""

import argparse
import subprocess
import sys
from pathlib import Path

from tools import cli
from tools.release import pipeline_io


def _git(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise pipeline_io.CommandError(run.stderr.strip())
    return run.stdout


def notes(folder: Path, tag: str) -> str:
    """Return the commits up to a tag, since the tag before it or the first commit; newest first.

    Raises CommandError where there is no such tag.
    """
    release = _git(folder, "rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}").strip()
    # The release's own tags are left out, so that the one before is found.
    earlier = _git(
        folder, "tag", "--merged", release, "--no-contains", release, "--sort=-v:refname"
    )
    since = [f"^refs/tags/{earlier.splitlines()[0]}"] if earlier else []
    return _git(folder, "log", "--no-merges", "--format=- %s (%h)", release, *since)


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the notes are printed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.release_notes")
    parser.add_argument("tag")
    chosen = parser.parse_args(arguments)

    def show() -> list[str]:
        print(notes(Path.cwd(), chosen.tag), end="")
        return []

    return cli.run(show)


if __name__ == "__main__":
    sys.exit(main())
