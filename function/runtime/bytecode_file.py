"""Imports the dependencies from one file, which has the bytecode of their modules.

Python looks for each module in several folders, and opens a file of its own for it. One file saves
5 % of a cold start's CPU, and a seventh of its time while the bundle is not in memory. The build
(components/packaging/bytecode.py) makes it for Lambda's Python. Another version imports the
sources.
"""

import json
import marshal
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any


class _Loader(SourceFileLoader):
    bytecode: "_BytecodeFile"

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module."""
        return self.bytecode.code(fullname)


class _BytecodeFile:
    """Finds the modules of the file: the version of the bytecode, a table, and the code.

    The version is that of a .pyc file, and the table's size is before the table, in 4 bytes each.
    The table is a JSON object with the source, start and size of each module.
    """

    def __init__(self, path: str) -> None:
        self._folder = os.path.dirname(path)
        self._file = os.open(path, os.O_RDONLY)
        self.version = os.read(self._file, 4)
        size = int.from_bytes(os.read(self._file, 4), "big")
        self._table: dict[str, tuple[str, int, int]] = json.loads(os.read(self._file, size))
        self._start = 8 + size

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """Return the spec of a module in the file, or None."""
        if not (found := self._table.get(name)):
            return None
        source = f"{self._folder}/{found[0]}"
        loader = _Loader(name, source)
        loader.bytecode = self
        spec = ModuleSpec(name, loader, origin=source)
        spec.has_location = True
        if source.endswith("/__init__.py"):
            spec.submodule_search_locations = [os.path.dirname(source)]
        return spec

    def code(self, name: str) -> CodeType:
        """Return the code of a module in the file."""
        _, start, size = self._table[name]
        found: CodeType = marshal.loads(os.pread(self._file, size, self._start + start))
        return found


def install(folder: str) -> None:
    """Import from the file in a folder, if it is there for this version of Python."""
    path = f"{folder}/dependencies.{sys.implementation.cache_tag}"
    if os.path.exists(path) and (file := _BytecodeFile(path)).version == MAGIC_NUMBER:
        sys.meta_path.insert(0, file)
