"""Folders of build results, each named by a digest of its inputs."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def built(build: Path, kind: str, inputs: Iterable[bytes], make: Callable[[Path], None]) -> Path:
    """Return the folder in `build` that `make` fills once for the same inputs.

    It appears in one rename, so an interrupted build leaves nothing that looks complete.
    """
    digest = hashlib.sha256()
    for one in inputs:
        digest.update(hashlib.sha256(one).digest())
    target = build / f"{kind}-{digest.hexdigest()[:16]}"
    if target.exists():
        return target
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        out = Path(scratch, "out")
        out.mkdir()
        make(out)
        try:
            out.rename(target)
        except OSError:
            if not target.exists():  # another process was faster
                raise
    return target
