"""Attacks below GraphQL against a real process: bytes that are no HTTP, slow ones, floods of them, false WebSockets."""

import contextlib
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from attacks.besieging import FOE, FRIEND, Besieged, Friend, besieged, codes
from graph import clock

pytestmark = pytest.mark.timeout(120)

TIMEOUT_S = 3  # of a request, here
PATIENCE_S = 30.0
CROWD = 40
ASKED = 10
AUTH = f"Authorization: Bearer key of {FOE}\r\n"
HEAD = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{AUTH}"
GOOD = b'{"query": "{__typename}"}'

BROKEN = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 500,
    "another HTTP": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /graphql\r\n\r\n",
    "a version that there is not": f"GET /graphql HTTP/9.9\r\nHost: x\r\n{AUTH}\r\n".encode(),
    "a method that there is not": f"EXPLODE /graphql HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n".encode(),
    "a path that there is not": f"POST /../../etc/passwd HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n".encode(),
    "a long path": f"GET /graphql?query={'a' * 2_000_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "a long header": f"{HEAD}X-Long: {'a' * 2_000_000}\r\n\r\n".encode(),
    "many headers": (HEAD + "".join(f"X-{n}: {n}\r\n" for n in range(100_000)) + "\r\n").encode(),
    "a header of two lines": f"{HEAD}X-Two: one\r\n two\r\nContent-Length: 5\r\n\r\nwrong".encode(),
    "a header without a name": f"{HEAD}: x\r\n\r\n".encode(),
    "a header with a zero": f"{HEAD}X-Zero: \0\r\n\r\n".encode(),
    "no length": f"{HEAD}\r\n".encode(),
    "a length below nothing": f"{HEAD}Content-Length: -1\r\n\r\n".encode() + GOOD,
    "a length in words": f"{HEAD}Content-Length: lots\r\n\r\n".encode() + GOOD,
    "two lengths": f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n".encode() + GOOD,
    "a length without end": f"{HEAD}Content-Length: {'9' * 30}\r\n\r\n".encode() + GOOD,
    "an odd encoding": f"{HEAD}Transfer-Encoding: chunked, odd\r\n\r\n".encode() + GOOD,
    "a chunk of no size": f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode() + GOOD,
    "a chunk below nothing": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n-5\r\n".encode() + GOOD,
    "a chunk without end": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{'f' * 30}\r\n".encode() + GOOD,
    "chunks that are too long together": (
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 300
    ),
    "chunks of many words": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1;{'a' * 2_000_000}\r\n".encode(),
    "a credential that is no text": b"GET /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    "a long credential": f"GET /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {'a' * 60_000}\r\n\r\n".encode(),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Besieged]:
    with besieged(CONFGRAPH_SERVER__REQUEST_TIMEOUT_S=str(TIMEOUT_S)) as server:
        yield server


def connected(server: Besieged) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S)


def answer(connection: socket.socket, got: bytes = b"") -> bytes:
    """All that comes, after what is there, until the other side closes or one answer is whole."""
    with contextlib.suppress(ConnectionError):
        while not _is_whole(got) and (part := connection.recv(65536)):
            got += part
    return got


def _is_whole(got: bytes) -> bool:
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
    return length is not None and len(body) >= int(length.split(b":")[1])


def status(got: bytes) -> int:
    """Of an answer; 0 where there is none."""
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_request_is_refused(server: Besieged, name: str) -> None:
    """With a status that blames who sent it, or by hanging up; never a fault of ours."""
    with connected(server) as connection:
        with contextlib.suppress(ConnectionError):  # it may have hung up in the middle
            connection.sendall(BROKEN[name])
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        got = answer(connection)
    assert status(got) == 0 or 400 <= status(got) < 500, got[:300]
    assert b"Traceback" not in got
    server.assert_well()


def test_any_bytes_at_all_do_no_harm(server: Besieged) -> None:
    """Good requests with some bytes changed: an answer to them, or none, and no fault."""
    chance = random.Random(5)  # noqa: S311 - the same ones each time
    good = f"{HEAD}Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD
    for _ in range(150):
        changed = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        with connected(server) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(changed)
                connection.shutdown(socket.SHUT_WR)
            assert status(answer(connection)) < 500, bytes(changed)
    server.assert_well()


def crowd(server: Besieged, stack: ExitStack, sent: bytes) -> list[socket.socket]:
    """Many connections on which something was sent."""
    connections = [stack.enter_context(connected(server)) for _ in range(CROWD)]
    for connection in connections:
        connection.sendall(sent)
    return connections


def test_bodies_that_come_slowly_are_not_waited_for(server: Besieged) -> None:
    """Each is refused in time, in GraphQL's words, however steadily it drips; others are served meanwhile."""
    with ExitStack() as stack:
        friend = Friend(stack.enter_context(server.client(FRIEND)))
        dripping = crowd(server, stack, f"{HEAD}Content-Length: 100000\r\n\r\n{{".encode())
        until = clock.monotonic() + PATIENCE_S
        refused: list[bytes] = []
        while dripping and clock.monotonic() < until:
            friend.ask()
            for connection in list(dripping):
                connection.settimeout(0.005)
                try:
                    connection.sendall(b" ")
                    got = connection.recv(65536)
                except TimeoutError:
                    continue
                except ConnectionError:
                    got = b""
                connection.settimeout(PATIENCE_S)
                refused.append(answer(connection, got) if got else got)
                dripping.remove(connection)
        assert not dripping, "they are waited for"
        told = [got for got in refused if got]
        assert len(told) > CROWD / 2
        assert {status(got) for got in told} <= {408, 413, 429}
        assert all(b'"code":' in got and b"x-request-id" in got.lower() for got in told)
    server.assert_well()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /graphql HTTP/1.1\r\n", HEAD.encode(), f"{HEAD}Content-Length: 100000\r\n\r\n".encode()],
    ids=["silence", "a line", "some headers", "no body"],
)
def test_a_crowd_that_says_little_keeps_nobody_out(server: Besieged, sent: bytes) -> None:
    with ExitStack() as stack:
        friend = Friend(stack.enter_context(server.client(FRIEND)))
        crowd(server, stack, sent)
        for _ in range(ASKED):
            friend.ask()
    server.assert_well()


def test_who_never_reads_its_answers_takes_no_memory(server: Besieged) -> None:
    """Requests one behind the other on one connection, and nothing of their answers is fetched."""
    ask = b'{"query": "{_service{sdl}}"}'
    with ExitStack() as stack:
        friend = Friend(stack.enter_context(server.client(FRIEND)))
        before = server.memory_mb
        request = f"{HEAD}Content-Length: {len(ask)}\r\n\r\n".encode() + ask
        for _ in range(10):
            connection = stack.enter_context(connected(server))
            connection.settimeout(0.5)
            with contextlib.suppress(OSError):
                for _ in range(300):
                    connection.sendall(request)
            friend.ask()
        assert server.memory_mb - before < 50
    server.assert_well()


def test_who_hangs_up_leaves_nothing_behind(server: Besieged) -> None:
    """In the middle of its request, or once it has asked."""
    body = b'{"query": "{conferences(first: 50){nodes{id members{totalCount}}}}"}'
    whole = f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    before = server.memory_mb
    with server.client(FRIEND) as http:
        friend = Friend(http)
        for number in range(200):
            with connected(server) as connection:
                connection.sendall(whole if number % 2 else whole[: -number % len(whole)])
        friend.ask()
    assert server.memory_mb - before < 50
    server.assert_well()


FRAMES = {
    "garbage": os.urandom(2000),
    "no mask": b"\x81\x05hello",
    "reserved bits": b"\xf1\x85\0\0\0\0hello",
    "an opcode that there is not": b"\x8f\x85\0\0\0\0hello",
    "a frame without end": b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"\0" * 4,
    "a long ping": b"\x89\xfe\x10\x00" + b"\0" * 4 + b"a" * 4096,
    "text that is none": b"\x81\x84\0\0\0\0\xff\xfe\xfd\xfc",
    "a piece of nothing": b"\x80\x85\0\0\0\0hello",
    "many empty pieces": b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 20_000,
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_malformed_websocket_is_refused(server: Besieged, name: str) -> None:
    """Whether it speaks WebSocket or not: the connection ends, and nothing else does."""
    upgrade = (
        f"GET /graphql HTTP/1.1\r\nHost: x\r\n{AUTH}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    with connected(server) as connection:
        connection.sendall(upgrade.encode())
        got = connection.recv(65536)
        assert status(got) == 101 or 400 <= status(got) < 500, got[:300]
        with contextlib.suppress(OSError):
            connection.sendall(FRAMES[name])
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    server.assert_well()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_are_refused(server: Besieged, method: str) -> None:
    with server.client(FOE) as http:
        reply = http.request(method, "/graphql", json={"query": "{__typename}"})
    assert 400 <= reply.status_code < 500
    assert "Python" not in reply.text
    server.assert_well()


@pytest.mark.parametrize(
    "words",
    [
        *("", "query=", "query={", "query=%ff%fe", "query=mutation{__typename}"),
        *("query={__typename}&variables=x", "query={__typename}&variables=[1]", "query={__typename}&extensions=x"),
        "query={__typename}&query={__typename}{",
    ],
)
def test_questions_in_addresses_that_are_none(server: Besieged, words: str) -> None:
    with httpx.Client(headers={"authorization": f"Bearer key of {FOE}"}) as http:
        reply = http.get(f"{server.url}/graphql?{words}", headers={"content-type": "application/json"})
    assert codes(reply) or "__typename" in words
    server.assert_well()
