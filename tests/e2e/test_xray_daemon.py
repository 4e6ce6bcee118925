"""The local X-Ray daemon."""

import json
import socket
import time

import pytest

from local import local_stack, xray_daemon

pytestmark = pytest.mark.socket


@pytest.mark.parametrize(
    "sent",
    (b"", b"noise", b"{}\n{", b"{}\n[]", b"{}\n5", b'{}\n{"trace_id": 1}', b"{}\n" + b"[" * 60_000),
)
def test_what_is_no_segment_ends_no_trace(sent: bytes) -> None:
    segment = {"name": "n", "id": "1", "trace_id": "a", "start_time": 1.0, "end_time": 2.0}
    daemon = local_stack.serving(xray_daemon.XRayDaemon())
    with daemon as collector, socket.socket(type=socket.SOCK_DGRAM) as sender:
        host, _, port = collector.address.partition(":")
        for each in (sent, b'{"format": "json"}\n' + json.dumps(segment).encode()):
            sender.sendto(each, (host, int(port)))
        deadline = time.monotonic() + 60
        while not (found := collector.trace("a")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found == [segment] and len(xray_daemon.timeline(found)) == 1
