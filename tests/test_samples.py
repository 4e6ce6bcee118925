"""Sample calls: which one is shown, what the outputs say of it, and which are refused."""

from typing import Any

import pytest

import function.endpoints
from function.contract import Access, Answer, DeclarationError, Endpoint, Parameter, Sample
from function.endpoints import check
from function.resources import declared_tables
from local import program
from openapi import samples

READ = Endpoint(
    method="GET",
    path="/things/{id}",
    summary="Read.",
    handle=lambda _: Answer(status=204, body=None),
    answers={204: None},
    query=(Parameter(name="at", description="When."),),
    path_parameters=(Parameter(name="id", description="Which."),),
    sample=Sample(path_parameters={"id": "a/b"}, query={"at": "1 2"}),
)


def _outputs(*endpoints: Endpoint[Any]) -> program.Properties:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function.endpoints, "declared", lambda: endpoints)
        return program.run(program.Recorder(), stack=program.stacks()[0]).values


def test_the_outputs_name_the_sample_that_writes_and_its_table() -> None:
    table = next(iter(declared_tables()))
    put = (Access(table=table, actions=("dynamodb:PutItem",)),)
    write = READ._replace(method="DELETE", path="/things", access=put)
    write = write._replace(path_parameters=(), query=(), sample=Sample())
    both = _outputs(READ, write)
    assert both["endpoint"] == f"{both['url']}/things"
    assert both["table_name"].endswith(f"-{table}")


def test_without_a_table_the_output_is_the_sample_alone() -> None:
    found = _outputs(READ)
    assert found["endpoint"] == f"{found['url']}/things/a%2Fb?at=1+2"
    assert found["table_name"] == ""


def test_without_a_sample_the_output_is_the_apis_url() -> None:
    found = _outputs(READ._replace(sample=None))
    assert found["endpoint"] == found["url"] and found["table_name"] == ""
    assert samples.first([READ._replace(sample=None)]) is None


@pytest.mark.parametrize(
    ("sample", "says"),
    (
        (Sample(), r"path_parameters must be among \['id'\], with \['id'\]"),
        (READ.sample._replace(headers={"A": "b"}), r"headers must be among \[\], with \[\]"),
        (READ.sample._replace(query={"to": "1"}), r"query must be among \['at'\], with \[\]"),
        (READ.sample._replace(body={}), "it must have a body where body is declared"),
    ),
)
def test_a_sample_that_the_endpoint_would_refuse_is_refused(sample: Sample, says: str) -> None:
    with pytest.raises(DeclarationError, match=f"sample: {says}"):
        check({"get_things": READ._replace(sample=sample)})
