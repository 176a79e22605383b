"""What the load balancer's proxy adds to h11: ALB's limits, and a peer that left told apart from one that is wrong."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import h11
import pytest

from sandbox.edge.http1 import HEAD_LIMIT, LINE_LIMIT, MalformedMessage, Peer, Request

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


def peer(received: bytes, role: type[h11.CLIENT] | type[h11.SERVER] = h11.SERVER) -> Peer:
    reader = asyncio.StreamReader(limit=HEAD_LIMIT)
    reader.feed_data(received)
    reader.feed_eof()
    return Peer(reader, Mock(), role)


def request(received: bytes) -> Request | None:
    async def read() -> Request | None:
        return await peer(received).request()

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("received", "status"),
    [
        pytest.param(b"what?\r\n\r\n", 400, id="no request line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(GET + b"Host: y\r\n\r\n", 400, id="two Hosts"),
        pytest.param(GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, id="two lengths"),
        pytest.param(GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="length and chunks"),
        pytest.param(GET + b"Transfer-Encoding: gzip\r\n\r\n", 501, id="an unknown transfer encoding"),
        pytest.param(b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="a tunnel"),
        pytest.param(GET.replace(b"/ ", b"/" + b"a" * LINE_LIMIT + b" ") + b"\r\n", 414, id="a long path"),
        pytest.param(GET + b"A: " + b"a" * LINE_LIMIT + b"\r\n\r\n", 400, id="a long header"),
        pytest.param(GET + b"A: aaaaaaaaaa\r\n" * (HEAD_LIMIT // 15) + b"\r\n", 400, id="a large head"),
    ],
)
def test_a_malformed_request_is_refused_with_the_status_of_alb(received: bytes, status: int) -> None:
    with pytest.raises(MalformedMessage) as refused:
        request(received)
    assert refused.value.status == status


def test_a_client_that_leaves_between_requests_is_no_error_and_one_that_leaves_within_is() -> None:
    assert request(b"") is None
    with pytest.raises(ConnectionResetError):
        request(GET)


def test_fields_are_joined_by_name_and_kept_as_sent() -> None:
    found = request(
        GET + b"X-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: X-Own, close\r\nX-Own: 1\r\n\r\n"
    )
    assert found is not None
    assert (found.fields["x-a"], found.fields["cookie"]) == ("1, 2", "a=1; b=2")
    assert found.end_to_end() == [
        (b"Host", b"x"),
        (b"X-A", b"1"),
        (b"x-a", b"2"),
        (b"Cookie", b"a=1"),
        (b"Cookie", b"b=2"),
    ]


def test_requests_that_arrive_together_are_answered_one_after_the_other() -> None:
    async def story() -> list[str]:
        client, targets = peer(GET.replace(b"/", b"/1", 1) + b"\r\n" + GET.replace(b"/", b"/2", 1) + b"\r\n"), []
        while (found := await client.request()) is not None:
            targets.append(found.target)
            client.encode_response(200, b"OK", [(b"Content-Length", b"0")])
            client.encode_end()
            assert client.next_cycle()
        return targets

    assert asyncio.run(story()) == ["/1", "/2"]


def test_a_response_before_the_whole_request_was_read_announces_the_end() -> None:
    async def story() -> tuple[bytes, bool]:
        client = peer(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        await client.request()
        head = client.encode_response(503, b"Service Unavailable", [(b"Content-Length", b"0")])
        client.encode_end()
        return head, client.next_cycle()

    head, again = asyncio.run(story())
    assert b"connection: close" in head.lower() and not again


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="without a byte"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-", id="within the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", id="within the body"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="before the final response"),
    ],
)
def test_a_target_that_breaks_off_is_gone(received: bytes) -> None:
    async def story() -> None:
        target = peer(received, h11.CLIENT)
        target.encode_request("GET", "/", [(b"Host", b"x")])
        target.encode_end()
        await target.response()
        async for _ in target.body():
            pass

    with pytest.raises(ConnectionResetError):
        asyncio.run(story())


def test_a_response_without_a_length_ends_with_its_connection() -> None:
    async def story() -> tuple[bytes, bool]:
        target = peer(b"HTTP/1.1 200 OK\r\n\r\nwhole", h11.CLIENT)
        target.encode_request("GET", "/", [(b"Host", b"x")])
        target.encode_end()
        await target.response()
        return b"".join([piece async for piece in target.body()]), target.next_cycle()

    assert asyncio.run(story()) == (b"whole", False)
