"""Shares the unpacked code of a bundle, and so its bytecode, among its workers.

A new bundle shares the files that did not change. MiniStack unpacks the code for each worker.
"""

import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from emulator.patching import replace_in


def _use_private_folder(code: Path) -> None:
    """Make the tracer create its marker file in the run's own temporary folder.

    It opens and truncates a fixed path in /tmp, where another user can place a link.
    """
    launcher = code / "aws_xray_sdk" / "core" / "lambda_launcher.py"
    if launcher.exists():
        text = launcher.read_text(encoding="utf-8")
        private = f"{tempfile.gettempdir()}/"
        if private not in text:  # a former bundle may share the file
            launcher.write_text(text.replace("/tmp/", private), encoding="utf-8")
            _delete_bytecode(launcher)


def _delete_bytecode(source: Path) -> None:
    for bytecode in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
        bytecode.unlink()


class SharedZip(zipfile.ZipFile):
    """A zip file that is unpacked once; each target folder becomes a link to the files."""

    _unpacking = threading.Lock()
    # The newest unpacked folder, and the checksums of its files.
    _former: tuple[Path, dict[str, int]] = (Path("/nonexistent"), {})

    def extractall(self, path: Any = None, *_: Any) -> None:
        """Replace `path`, an empty folder, by a link to the unpacked files."""
        assert self.filename
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir(), f"code-{digest}")
        with self._unpacking:
            if not shared.exists():
                self._unpack(shared)
            os.rmdir(path)
            os.symlink(shared, path)

    def _unpack(self, target: Path) -> None:
        """Unpack all files; those of the former bundle are hard links, also their bytecode.

        The folder appears in one rename, so a failed attempt leaves nothing that looks complete.
        """
        scratch = target.with_name(f"{target.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        former, known = self._former
        try:
            shutil.copytree(former, scratch, copy_function=os.link)
        except OSError:  # there is none, or the file system has no links
            shutil.rmtree(scratch, ignore_errors=True)
            known = {}
        checksums = {info.filename: info.CRC for info in self.infolist()}
        changed = {name for name, _ in known.items() ^ checksums.items()}
        for name in changed:
            (scratch / name).unlink(missing_ok=True)
            _delete_bytecode(scratch / name)
        # Only now: a bundle may bring the bytecode of a changed file.
        for name in changed & checksums.keys():
            self.extract(name, scratch)
        _use_private_folder(scratch)
        os.rename(scratch, target)
        type(self)._former = target, checksums

    @classmethod
    def delete_unused(cls) -> None:
        """Delete unpacked files that no link points to."""
        folder = Path(tempfile.gettempdir())
        with cls._unpacking:
            # readlink would fail, if a worker deletes its link meanwhile.
            links = map(os.path.realpath, folder.glob("ministack-lambda-*/code"))
            used = {os.path.basename(link) for link in links}
            for unpacked in folder.glob("code-*"):
                if unpacked.name not in used:
                    shutil.rmtree(unpacked, ignore_errors=True)


PATCHES = (replace_in(lambda_runtime, "zipfile", ZipFile=SharedZip),)
