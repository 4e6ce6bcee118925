"""The Lambda bundle of a Python package: its files and its locked dependencies, in one folder.

A rule selects the files, and the same sources give the same archive on every machine.
"""

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

import pulumi

from components import limits
from components.packaging.build_folder import built
from components.packaging.bytecode import DEPENDENCIES, compiled, in_one_file
from components.packaging.dependencies import LAMBDA, BundleError, files_of, install
from components.packaging.imports import check_imports
from components.packaging.interpreter import PYTHON_VERSION, compiler, local_python

_LOCK = "requirements.txt"
# Hidden files, bytecode, and the copies that editors and git leave.
_STRAY = re.compile(r"\..*|__pycache__|.*\.(pyc|orig|rej)|.*~|#.*#")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The Lambda bundle of the Python package in the folder `package`.

    It holds every file of the package, but for hidden and stray ones and the lock; a link stands
    for the files that it leads to. The package's requirements.txt is the lock of its dependencies,
    with hashes. `locks` are further ones in its folders. `without` are folders of the package that
    the bundle leaves out. `services` are boto3's names of the AWS services that the code calls
    besides the items of tables. `.build` beside the package holds the results of a build. A package
    with a copy of function/runtime/bytecode_file.py gets its dependencies' bytecode in one file.

    Raises BundleError if the bundle cannot be built, or would fail in Lambda.
    """

    package: Path
    services: frozenset[str] = frozenset()
    locks: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def _locks(self) -> list[Path]:
        return [self.package / name for name in (_LOCK, *self.locks)]

    def dependencies(self) -> Path:
        """Return the folder with the locked dependencies for Lambda, building it once."""
        for lock in self._locks:
            if not lock.exists():
                shown = _shown(lock, self.package)
                raise BundleError(f"{shown} is missing; restore it or run: make lock")
        lock_bytes = b"".join(lock.read_bytes() for lock in self._locks)
        return install(lock_bytes, self.services, LAMBDA, self.package.parent / ".build")

    def files(self) -> dict[str, Path]:
        """Return the bundle's files by their names in the archive, sorted by name."""
        without = {*self._locks, *(lock.with_suffix(".in") for lock in self._locks)}
        without |= {self.package / name for name in self.without}
        own = dict(_own_files(self.package, without))
        theirs = files_of(self.dependencies())
        check_imports(self.package.name, own, theirs)
        build = self.package.parent / ".build"
        files = {**theirs, **own}
        for part in (theirs, own):
            sources = {name: path for name, path in part.items() if path.suffix == ".py"}
            bytecode = compiled(sources, build, strict=part is own)
            one_file = part is theirs and f"{self.package.name}/runtime/bytecode_file.py" in own
            files |= in_one_file(bytecode, theirs, build) if one_file else bytecode
        return dict(sorted(files.items()))

    def archive(self) -> pulumi.FileArchive:
        """Return the bundle as a folder of links to its files.

        Pulumi's state has one hash of it. An archive of single files would add 350 KB for each
        function, which Pulumi writes at each step of an update.
        """
        if not compiler():
            pulumi.log.warn(
                f"no Python {PYTHON_VERSION} is at hand, so the bundle has no bytecode: a cold "
                "start takes twice as long, and the hash differs from a bundle with bytecode. "
                f"Install one, for example by: uv python install {PYTHON_VERSION}"
            )
        files = self.files()
        _check_sizes(self.package.name, files)
        return pulumi.FileArchive(str(_linked(files, self.package.parent / ".build")))


def _linked(files: Mapping[str, Path], build: Path) -> Path:
    """Return a folder with a link to each file."""

    def link(folder: Path) -> None:
        for parent in {(folder / name).parent for name in files}:
            parent.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            os.symlink(path, folder / name)

    listed = (part.encode() for name, path in files.items() for part in (name, str(path)))
    return built(build, "bundle", listed, link)


def files_in(archive: pulumi.FileArchive) -> dict[str, Path]:
    """Return the files of a folder that is an archive, without links, sorted by their names."""
    folder = Path(archive.path)
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: path.readlink() if path.is_symlink() else path for name, path in sorted(found.items())
    }


def for_local_run(files: Mapping[str, Path], interpreter: str = "") -> dict[str, Path]:
    """Return a bundle's files for a Python of this machine, with dependencies compiled for it."""
    folders = (parent for path in files.values() for parent in path.parents)
    base = next((one for one in folders if one.name.startswith("dependencies-")), None)
    if base and any(name.endswith(".so") for name in files):
        services = json.loads((base / "services.json").read_bytes())
        python = ("--python", interpreter or local_python())
        theirs = install((base / "lock").read_bytes(), services, python, base.parent)
        local = files_of(theirs)
        sources = {name for name in local.keys() & files.keys() if name.endswith(".py")}
        changed = {n for n in sources if local[n].read_bytes() != files[n].read_bytes()}
        own = {name: path for name, path in files.items() if base not in path.parents}
        stale = {
            name for name in own if name.endswith(".pyc") and source_from_cache(name) in changed
        } | ({DEPENDENCIES} if changed else set())
        files = {name: path for name, path in own.items() if name not in stale} | local
    return dict(sorted(files.items()))


def _own_files(package: Path, without: Container[Path]) -> Iterator[tuple[str, Path]]:
    """Return the package's own files for the bundle, by their names there."""
    for folder, folders, files in os.walk(package, followlinks=True):
        at = Path(folder)
        folders[:] = sorted(
            name for name in folders if not _STRAY.fullmatch(name) and at / name not in without
        )
        for name in folders:
            link = at / name
            if link.is_symlink() and link.resolve() in {up.resolve() for up in (at, *at.parents)}:
                raise BundleError(
                    f"{_shown(link, package)}: the link leads to its own parent; remove it"
                )
        for name in sorted(files):
            path = at / name
            if path in without or _STRAY.fullmatch(name):
                continue
            if not path.is_file():
                raise BundleError(f"{_shown(path, package)}: no file is there; repair or remove it")
            yield _shown(path, package), path


def _shown(path: Path, package: Path) -> str:
    return path.relative_to(package.parent).as_posix()


def _check_sizes(package: str, files: Mapping[str, Path]) -> None:
    """Raise ConfigError if the files are too large for Lambda, unpacked or as a zip."""
    unpacked, zipped = Counter[str](), Counter[str]()
    for name, path in files.items():
        unpacked[name.partition("/")[0]] += path.stat().st_size
    way_out = (
        f"Remove packages from {package}/requirements.in, or move the code that imports them to a "
        "container image of its own"
    )
    subject = "the function's bundle"
    limits.check(f"{subject}, unpacked,", unpacked, limits.UNPACKED_SIZE, "bytes", way_out)
    if unpacked.total() > limits.ZIP_SIZE:
        for name, path in files.items():
            zipped[name.partition("/")[0]] += len(zlib.compress(path.read_bytes()))
        limits.check(f"{subject}, zipped,", zipped, limits.ZIP_SIZE, "bytes", way_out)
