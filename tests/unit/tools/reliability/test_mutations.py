"""The mutations name code and tests that exist."""

import pytest

from local.stack_files import ROOT
from tools.reliability import mutations


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.guarantee)
def test_a_mutation_changes_code_that_is_there(mutation: mutations.Mutation) -> None:
    path = ROOT / mutation.file
    if mutation.file.startswith("function/endpoints/") and not path.exists():
        pytest.skip("this project replaced the endpoint")
    assert mutation.old in path.read_text("utf-8")
    assert all((ROOT / tests.partition("::")[0]).exists() for tests in mutation.tests.split())
