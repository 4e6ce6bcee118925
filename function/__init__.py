"""The Lambda package. It imports no Pulumi, and nothing of the project outside of itself."""

import os

from function.runtime import bytecode_file

bytecode_file.install(os.path.dirname(os.path.dirname(__file__)))
