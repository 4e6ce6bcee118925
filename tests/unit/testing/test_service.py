"""The test kit: events as AWS sends them, and the service on moto."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from function import buckets, queues, settings, tables, topics
from function.declare.auth import CognitoPool, CustomAuth, Iam, Identity, Jwt
from function.declare.bucket import Bucket
from function.declare.endpoint import Request, Response
from function.declare.job import Job
from function.declare.queue import Queue
from function.declare.setting import Setting
from function.declare.table import Index, Number, Table
from function.declare.topic import Topic
from function.declare.trigger import (
    TRIGGERS,
    EventTrigger,
    ObjectTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
    TopicTrigger,
)
from function.runtime import body, dynamodb, job_handler, s3, secrets, sns, sqs
from testing import events
from testing.service import Service, in_moto
from tests.fixtures.notes import api_handler, endpoint

THINGS = Table(
    name="things",
    partition_key="id",
    sort_key=Number("at"),
    indexes=(
        Index(name="by-kind", partition_key="kind", attributes=()),
        Index(name="by-owner", partition_key="owner", attributes=("name",)),
    ),
)
ORDERS, FILES = Queue(name="orders"), Bucket(name="kit-files")
SEATS, NEWS = Queue(name="seats", fifo=True), Topic(name="news")
TOKEN = Setting("token", str, description="A secret.", secret=True)
LIMIT = Setting("limit", int, description="A number.", default=5)


class Amount(msgspec.Struct):
    """The body of a request."""

    n: int


# An event for each trigger, and the value that the handler finds in its item.
EVENTS: dict[type, tuple[Any, dict[str, Any], str, Any]] = {
    ScheduleTrigger: (ScheduleTrigger("rate(1 day)"), events.schedule(1_800_000_000), "time", 18e8),
    QueueTrigger: (QueueTrigger("orders"), events.messages({"a": 1}), "body", {"a": 1}),
    StreamTrigger: (
        StreamTrigger("things"),
        events.change(new={"id": {"B": b"\xff"}}),
        "new",
        {"id": {"B": b"\xff"}},
    ),
    ObjectTrigger: (
        ObjectTrigger("kit-files"),
        events.created_object("kit-files", "a b/é"),
        "key",
        "a b/é",
    ),
    TopicTrigger: (TopicTrigger("news"), events.notification({"a": 1}, b="c"), "body", {"a": 1}),
    EventTrigger: (
        EventTrigger(pattern={"source": ["shop"]}),
        events.bus_event("shop", "Sold", {"a": 1}),
        "detail",
        {"a": 1},
    ),
}


@pytest.fixture(name="service")
def _service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a service with a table, a queue, a bucket and two settings."""
    for module, declared in (
        (tables, THINGS),
        (queues, ORDERS),
        (queues, SEATS),
        (topics, NEWS),
        (buckets, FILES),
        (settings, TOKEN),
        (settings, LIMIT),
    ):
        monkeypatch.setattr(module, "DECLARED" + declared.name, declared, raising=False)
    with in_moto() as service:
        yield service


def _serve(monkeypatch: pytest.MonkeyPatch, *endpoints: Any) -> list[Request[Any]]:
    """Declare endpoints that keep their requests in the returned list."""
    seen = list[Request[Any]]()

    def handle(request: Request[Any]) -> Response:
        seen.append(request)
        return Response(status=200, body={"from": "handler"})

    served = [one._replace(handle=handle) for one in endpoints]
    monkeypatch.setattr(events, "load_endpoints", lambda: served)
    monkeypatch.setattr(api_handler, "_ROUTES", {one.route: one for one in served})
    monkeypatch.setattr(api_handler, "body", body, raising=False)
    return seen


def test_a_handler_gets_each_part_of_a_request(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _serve(monkeypatch, endpoint(method="POST", body=Amount))
    reply = service.call(
        "POST",
        "/notes/a%20b?tag=1&tag=2&empty=",
        headers={"Note-Id": "7"},
        body={"n": 1},
        api_key="shop",
        ip="2001:db8::1",
    )
    assert reply.status == 200 and reply.json() == {"from": "handler"}
    assert reply.headers["content-type"] == reply.headers["Content-Type"] == "application/json"
    (request,) = seen
    assert request.path_parameters == {"id": "a b"} and request.body == Amount(1)
    assert request.query_all("tag") == ("1", "2") and request.query["empty"] == ""
    assert request.headers["note-id"] == "7" and request.ip == "2001:db8::1"
    assert (request.api_key_id, request.api_key_name) == ("shop", "shop")


def test_a_fixed_path_precedes_a_parameter_and_another_path_is_unknown(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = endpoint(path="/notes/newest", path_parameters=())
    lines = endpoint(path="/notes/{id}/lines")
    seen = _serve(monkeypatch, endpoint(), newest, lines)
    for path in ("/notes/newest", "/notes/7", "/notes/7/lines"):
        assert service.call("GET", path).status == 200
    assert [one.path_parameters for one in seen] == [{}, {"id": "7"}, {"id": "7"}]
    assert [service.call("GET", path).status for path in ("/notes", "/notes/", "/x")] == [404] * 3
    assert service.call("PUT", "/notes/7").status == 405


@pytest.mark.parametrize(
    ("auth", "caller", "claims"),
    (
        (Iam(), Identity("arn:aws:iam::1:user/ada"), {"userArn": "arn:aws:iam::1:user/ada"}),
        (
            Jwt(issuer="https://a.example/", audience="shop"),
            Identity("https://a.example/#ada", {"tenant": 7}, frozenset({"read"})),
            {"iss": "https://a.example/", "sub": "ada", "tenant": 7},
        ),
        (
            CognitoPool("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a"),
            Identity("https://pool.example#ada", {"tenant": 7}, frozenset({"read"})),
            {"iss": "https://pool.example", "sub": "ada", "tenant": "7", "scope": "read"},
        ),
        (CustomAuth("partner"), Identity("partner#acme", {"plan": "gold"}), {"plan": "gold"}),
    ),
)
def test_a_handler_gets_the_verified_caller(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    auth: Any,
    caller: Identity,
    claims: dict[str, Any],
) -> None:
    seen = _serve(monkeypatch, endpoint(auth=auth))
    assert service.call("GET", "/notes/7", caller=caller).status == 200
    (request,) = seen
    assert (request.identity.id, request.identity.scopes) == (caller.id, caller.scopes)
    assert {k: v for k, v in request.identity.claims.items() if k != "exp"} == claims


def test_a_caller_without_a_scope_is_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = Jwt(issuer="https://a.example/", audience="shop")
    _serve(monkeypatch, endpoint(auth=auth, scopes=("read",)))
    caller = Identity("https://a.example/#ada")
    assert service.call("GET", "/notes/7", caller=caller).status == 403
    assert service.call("GET", "/notes/7").status == 401


def test_an_endpoint_with_an_api_key_takes_no_caller(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, endpoint())
    with pytest.raises(ValueError, match="GET /notes/{id}: only an endpoint with Jwt"):
        service.call("GET", "/notes/7", caller=Identity("ada"))


def test_an_error_in_a_handler_is_a_500_with_its_traceback_in_the_log(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_by_a_wrong_key(_: Request[Any]) -> Response:
        dynamodb.call("get_item", THINGS, Key={"kee": {"S": "x"}})
        raise AssertionError("DynamoDB refuses the key")

    declared = endpoint(handle=read_by_a_wrong_key)
    monkeypatch.setattr(api_handler, "_ROUTES", {declared.route: declared})
    monkeypatch.setattr(events, "load_endpoints", lambda: [declared])
    reply = service.call("GET", "/notes/7")
    error, line = service.log
    assert reply.status == line["status"] == 500 and "things" not in reply.body
    assert error["errorType"] == "ClientError" and "ValidationException" in error["errorMessage"]
    assert "in read_by_a_wrong_key" in "\n".join(error["stackTrace"])


def test_there_is_an_event_for_each_trigger() -> None:
    assert set(EVENTS) == set(TRIGGERS)


@pytest.mark.parametrize("kind", EVENTS)
def test_a_job_gets_its_item(service: Service, monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    trigger, event, field, value = EVENTS[kind]

    def handle(item: Any) -> dict[str, str]:
        assert getattr(item, field) == value
        return {"seen": "yes"}

    job = Job(trigger=trigger, summary="Sees.", handle=handle)
    monkeypatch.setattr(job_handler, "load_module", lambda *_: job)
    (line,) = service.run_job("see", event)
    assert (line["route"], line["outcome"], line["seen"]) == ("see", "success", "yes")


def test_each_item_of_a_job_has_an_outcome(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(item: Any) -> None:
        if getattr(item, "body", "") != "good":
            raise LookupError("bad")

    for trigger, event, outcomes in (
        (QueueTrigger("orders"), events.messages("good", "bad"), ["success", "failed"]),
        (QueueTrigger("orders"), events.messages("bad", "good", group="one"), ["failed"]),
        (ScheduleTrigger("rate(1 day)"), events.schedule(), ["failed"]),
    ):
        job = Job(trigger=trigger, summary="Fails.", handle=handle)
        monkeypatch.setattr(job_handler, "load_module", lambda *_, job=job: job)
        assert [line["outcome"] for line in service.run_job("fail", event)] == outcomes


@pytest.mark.parametrize(
    ("images", "name"),
    (
        ({"new": {"id": {"S": "1"}}}, "INSERT"),
        ({"old": {"id": {"S": "1"}}, "new": {"id": {"S": "1"}}}, "MODIFY"),
        ({"old": {"id": {"S": "1"}}, "expired": True}, "REMOVE"),
    ),
)
def test_a_change_has_the_name_that_its_images_imply(images: Any, name: str) -> None:
    (record,) = events.change(**images)["Records"]
    assert record["eventName"] == name


def test_a_group_of_messages_and_a_topic_work_as_on_aws(service: Service) -> None:
    sqs.send(SEATS, {"n": 1}, group="one")
    assert sns.publish(NEWS, {"n": 1}, attributes={"kind": "big"})
    assert service.messages(SEATS) == [{"n": 1}]


@pytest.mark.parametrize("_again", (False, True))
def test_the_declared_resources_are_in_moto_and_empty_for_each_test(
    service: Service, _again: bool
) -> None:
    assert not service.items(THINGS)
    item = {"id": {"S": "1"}, "at": {"N": "2"}, "kind": {"S": "k"}}
    dynamodb.call("put_item", THINGS, Item=item)
    assert service.items(THINGS) == [item]
    found, _ = dynamodb.query_page(THINGS, {"S": "k"}, IndexName="by-kind")
    assert found == [item]
    sqs.send(ORDERS, {"what": "tea"})
    assert service.messages(ORDERS) == [{"what": "tea"}] and not service.messages(ORDERS)
    s3.call("put_object", FILES, Key="a", Body=b"b")
    assert s3.call("get_object", FILES, Key="a")["Body"].read() == b"b"


def test_a_setting_has_its_default_or_the_value_of_the_test(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_cache", {})
    seen = _serve(monkeypatch, endpoint())
    service.call("GET", "/notes/7")
    assert seen[0].settings[LIMIT] == 5
    service.set(LIMIT, 7)
    service.set(TOKEN, "stand-in")
    assert seen[0].settings[LIMIT] == 7 and seen[0].settings[TOKEN] == "stand-in"
    service.set(TOKEN, "rotated")
    assert seen[0].settings[TOKEN] == "rotated"


def test_a_missing_value_names_the_way_to_set_it_in_a_test(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _serve(monkeypatch, endpoint())
    service.call("GET", "/notes/7")
    for setting in (TOKEN, LIMIT._replace(default=None)):
        with pytest.raises(LookupError, match="in a test, set it by service.set"):
            seen[0].settings[setting]
