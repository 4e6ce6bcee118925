"""Judgements of the smoke test."""

import pytest

from function.declare.auth import Iam
from function.declare.endpoint import Endpoint, Response, SampleRequest
from tools.release import smoke

KEYED = Endpoint(
    method="GET",
    path="/sample",
    summary="Answers.",
    handle=lambda _: Response(status=200, body={}),
    responses={
        200: {
            "title": "Sample",
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "format": "uuid"}},
        }
    },
    sample=SampleRequest(),
)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    (
        (200, '{"id": "5f0c4a53-6f5e-4a1c-8d0e-1d3f7a3b9c11"}', ""),
        (202, "{}", "202, not 200"),
        (200, "{}", "'id' is a required property"),
        (200, '{"id": "one"}', "'one' is not a 'uuid'"),
        (200, "[]", "[] is not of type 'object'"),
        (200, "{", "does not match the declaration"),
    ),
)
def test_an_answer_is_judged_by_the_declaration(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, says: str
) -> None:
    headers = {"content-type": "application/json"}
    reply = smoke.Reply(status=status, headers=headers, body=body)
    monkeypatch.setattr(smoke, "load_endpoints", lambda: (KEYED,))
    monkeypatch.setattr(smoke.Api, "send", lambda *_: reply)
    api = smoke.Api(url="http://x", api_key="k", document="d", propagation_s=0)
    (found,) = [
        r for r in smoke.run_checks(api) if r.check == "GET /sample returns a declared response"
    ]
    assert found.passed == (not says) and says in found.observed


def test_a_new_key_is_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = iter([smoke.Reply(status=status, headers={}, body="") for status in (403, 403, 201)])
    monkeypatch.setattr(smoke.Api, "send", lambda *_: next(replies))
    monkeypatch.setattr(smoke.time, "sleep", lambda _: None)
    assert smoke.Api(url="http://x", api_key="k", document="d").call(KEYED).status == 201


def test_a_response_may_be_an_array() -> None:
    reply = smoke.Reply(status=200, headers={"content-type": "application/json"}, body="[1]")
    listing = KEYED._replace(responses={200: list[int]})
    assert smoke._expect_declared(listing, reply) == "200 [1]"


@pytest.mark.parametrize("body", ('{"title": "No"}', "[]", "no"))
def test_a_problem_has_all_members(body: str) -> None:
    headers = {"content-type": "application/problem+json"}
    with pytest.raises(smoke.CheckFailed, match="invalid problem document"):
        smoke.Reply(status=404, headers=headers, body=body).problem(404)


def test_a_sample_that_needs_a_signature_is_not_sent_but_its_refusal_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smoke, "load_endpoints", lambda: (KEYED._replace(auth=Iam()),))
    _, (name, check) = smoke.checks().items()
    assert name == "GET /sample rejects a request without credentials"
    sent = []

    def send(_: smoke.Api, *request: object) -> smoke.Reply:
        sent.append(request)
        return smoke.Reply(status=200, headers={}, body="{}")

    monkeypatch.setattr(smoke.Api, "send", send)
    with pytest.raises(smoke.CheckFailed, match="not 403"):
        check(smoke.Api(url="http://x", api_key="k", document="d", propagation_s=0))
    assert sent == [("GET", "/sample", {}, None)]
