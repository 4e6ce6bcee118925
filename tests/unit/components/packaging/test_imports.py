"""Imports that would fail in Lambda are refused with file and line; others are not."""

from pathlib import Path

import pytest

from components.packaging.dependencies import BundleError
from components.packaging.imports import check_imports

OWN = {
    "function/__init__.py": "VERSION = 1\n",
    "function/helpers/__init__.py": "from function.helpers.deep import help_out\n",
    "function/helpers/deep.py": "def help_out(): pass\n",
    "function/data/countries.json": "{}",
    "function/plain/module.py": "",
    "function/dynamic/__init__.py": "def __getattr__(name): return name\n",
    "function/fast.abi3.so": "",
}
THEIRS = {
    "lib/__init__.py": "from . import core\n",
    "lib/core.py": "part = 1\n",
    "telnetlib.py": "",
    "_fast.cpython-313-aarch64-linux-gnu.so": "",
}
GUARDED = "try:\n    import {0}\nexcept ImportError:\n    pass\n"

REFUSED = {
    "import absent": "function/main.py, line 1: absent is not in the bundle; add it to "
    "function/requirements.in, then run: make lock test",
    "import absent.part as part": "function/main.py, line 1: absent is not",
    "from absent import part": "function/main.py, line 1: absent is not",
    "def f():\n    import absent": "function/main.py, line 2: absent is not",
    "try:\n    f()\nexcept OSError:\n    import absent": "main.py, line 4: absent is not",
    "class C:\n    import absent": "function/main.py, line 2: absent is not",
    "if x:\n    import absent": "function/main.py, line 2: absent is not",
    "import boto3": "function/main.py, line 1: boto3 is not in the bundle; use "
    "function.runtime.service, .*requirements.in.*docs/extending/aws-services.md",
    "import cgi": "function/main.py, line 1: Python 3.13 has no module cgi; .*requirements.in",
    "import distutils.core": "has no module distutils",
    "from imp import reload": "has no module imp",
    "import function.absent": "function/main.py, line 1: function.absent is not in the bundle",
    "from function import absent": "line 1: function.absent is not in the bundle",
    "from . import absent": "line 1: function.absent is not in the bundle",
    "from .helpers import absent": "line 1: function.helpers.absent is not",
    "from .helpers.absent import one": "line 1: function.helpers.absent is not",
    "from function.plain import absent": "line 1: function.plain.absent is not",
    "from function import Helpers": "line 1: function.Helpers is not",
}
ACCEPTED = (
    *("import json, sqlite3, lib", "from lib.core import part"),
    *("import telnetlib, _fast", "import awslambdaric, snapshot_restore_py"),
    *("from function import VERSION, helpers, data, fast", "from function import *"),
    *("from .helpers import help_out, deep", "from function.plain import module"),
    *("from .dynamic import anything", "import function.plain.module", "from . import main"),
    *(GUARDED.format("absent"), GUARDED.format("cgi")),
    "if TYPE_CHECKING:\n    import absent",
    "import sys\nif sys.version_info < (3, 13):\n    import cgi",
)


def _check(folder: Path, main: str) -> None:
    """Check the files above with a module `function/main.py`."""
    own, theirs = ({**OWN, "function/main.py": main}, THEIRS)
    for name, text in {**own, **theirs}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    check_imports("function", {name: folder / name for name in own}, theirs)


@pytest.mark.parametrize(("main", "says"), REFUSED.items())
def test_an_import_that_would_fail_in_lambda_is_refused(
    tmp_path: Path, main: str, says: str
) -> None:
    with pytest.raises(BundleError, match=says):
        _check(tmp_path, main)


@pytest.mark.parametrize("main", ACCEPTED)
def test_an_import_that_works_or_may_fail_is_accepted(tmp_path: Path, main: str) -> None:
    _check(tmp_path, main)
