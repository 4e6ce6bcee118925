"""`python3 tools/merge_epoch.py [VERSION]`: merges a newer Epoch into your project.

See docs/upgrading.md. It needs git and the standard library only.
"""

import fnmatch
import subprocess
import sys
from pathlib import Path

REMOTE = "refs/remotes/epoch"
# Your files: a merge never adds, changes or deletes one.
OWN = (
    "function/endpoints/*",
    "function/authorizers/*.py",
    "function/jobs/*",
    "function/buckets.py",
    "function/links.py",
    "function/topics.py",
    "function/queues.py",
    "function/responses.py",
    "function/settings.py",
    "function/tables.py",
    "Pulumi.*.yaml",
    "customize.py",
    "infrastructure.py",
    "tests/service/*",
    ".github/CODEOWNERS",
    "CHANGELOG.md",
    "README.md",
    "docs/calling.md",
    "tests/snapshots/*",
)
# The drivers of .gitattributes keep your version of a file, or of the lines that both changed.
_DRIVERS = (
    *("-c", "merge.generated.driver=true"),
    *("-c", "merge.yours.driver=git merge-file --ours %A %O %B"),
)


def _git(*arguments: str, check: bool = True) -> str:
    """Return git's output; raise SystemExit with git's error in one line."""
    ran = subprocess.run(
        ["git", "-c", "core.quotePath=false", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if check and ran.returncode:
        cause = (ran.stderr or ran.stdout).strip().replace("\n", " ")
        raise SystemExit(f"error: git {arguments[0]}: {cause}")
    return ran.stdout.strip()


def is_own(path: str) -> bool:
    """Test whether a file is yours."""
    return any(fnmatch.fnmatchcase(path, own) for own in OWN)


def _fetch(version: str) -> str:
    """Fetch Epoch and return the ref of a version; by default of the newest tag, else of main."""
    if "epoch" not in _git("remote").split():
        raise SystemExit(
            "error: no remote `epoch`; run: git remote add --no-tags epoch <address of Epoch>"
        )
    heads, tags = (f"+refs/{kind}/*:{REMOTE}/{kind}/*" for kind in ("heads", "tags"))
    _git("fetch", "--no-tags", "epoch", heads, tags)
    refs = _git("for-each-ref", "--sort=-version:refname", "--format=%(refname)", REMOTE)
    known = refs.splitlines()
    if version:
        wanted = [f"{REMOTE}/tags/{version}", f"{REMOTE}/heads/{version}"]
    else:
        wanted = [ref for ref in known if ref.startswith(f"{REMOTE}/tags/v")]
        wanted += [f"{REMOTE}/heads/main"]
    found = next((ref for ref in wanted if ref in known), None)
    if not found:
        raise SystemExit(f"error: the remote `epoch` has no tag or branch {version or 'main'}")
    return found


def _record_origin(target: str) -> None:
    """Make the commit that the project was copied from an ancestor of the project.

    It is the commit that shares most files with the project's first commit.
    """

    def files(commit: str) -> set[str]:
        return set(_git("ls-tree", "-r", commit).splitlines())

    first = files(_git("rev-list", "--max-parents=0", "HEAD").split()[-1])
    shared = {commit: len(first & files(commit)) for commit in _git("rev-list", target).split()}
    origin = max(shared, key=lambda commit: shared[commit])
    if 2 * shared[origin] < len(first):
        raise SystemExit(
            "error: your project's first commit resembles no commit of Epoch; name it: "
            "git merge -s ours --allow-unrelated-histories <commit>"
        )
    message = f"Record that this project began as commit {origin} of Epoch"
    _git("merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", message, origin)


def _merge(target: str) -> list[str]:
    """Merge without a commit, restore your files, and return the paths with conflicts."""
    # With renames, git would see a file of Epoch as a moved one of yours. Between git 2.34 and
    # 2.50, the strategy `ort` ignores the option.
    options = ("--no-commit", "--no-ff", "-s", "recursive", "-X", "no-renames")
    _git(*_DRIVERS, "merge", *options, target, check=False)
    if not Path(_git("rev-parse", "--git-path", "MERGE_HEAD")).exists():
        raise SystemExit(f"error: git cannot begin the merge; run: git merge {target}")
    kept = list(filter(is_own, _git("ls-tree", "-r", "--name-only", "HEAD").splitlines()))
    merged = filter(is_own, _git("ls-files").splitlines())
    _git("rm", "-q", "-f", "--ignore-unmatch", "--", *kept, *merged)
    if kept:
        _git("checkout", "-q", "HEAD", "--", *kept)
    return _git("diff", "--name-only", "--diff-filter=U").splitlines()


def main(version: str) -> None:
    """Merge a version; raise SystemExit with a one-line error."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        raise SystemExit("error: your working tree has changes; commit them first")
    target = _fetch(version)
    if not _git("merge-base", "HEAD", target, check=False):
        _record_origin(target)
    name = target.rpartition("/")[2]
    if _git("merge-base", "HEAD", target) == _git("rev-parse", f"{target}^{{commit}}"):
        print(f"Your project has Epoch {name} already.")
        return
    if conflicts := _merge(target):
        raise SystemExit(
            "error: you and Epoch changed the same lines of " + ", ".join(conflicts) + "; "
            "edit and `git add` them, or run `git merge --abort`"
        )
    print(f"Merged Epoch {name}; nothing is committed yet. Next, run:")
    print("  make lock snapshot diagram && make lint test-all && git add -A && git commit")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
