"""The functions that a rollback moves."""

from tools.release import rollback


def test_a_rollback_moves_the_authorizer_with_the_api_and_the_jobs() -> None:
    jobs = {"job_functions": {"clean_up": "job-1"}}
    outputs = {"function_name": "api-1", "authorizer_function": "authorizer-1", **jobs}
    assert rollback.functions(outputs) == ["api-1", "authorizer-1", "job-1"]
    assert rollback.functions({"function_name": "api-1", **jobs}) == ["api-1", "job-1"]
