"""Attacks over WebSockets against a real process: false frames, floods of good ones, clients that do not read."""

import base64
import contextlib
import itertools
import json
import os
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from attacks.besieging import FOE, FRIEND, Besieged, Friend
from graph import clock

pytestmark = pytest.mark.timeout(180)

PATIENCE_S = 30.0
CROWD = 100
MOST_MB = 60.0  # that a process may grow meanwhile
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
INIT = json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer key of {FOE}"}}).encode()
LIVE = "subscription { liveConferences { kind conference { id title members { nodes { displayName } } } } }"
WIDE = f"{{ {' '.join(f'a{n}: _service {{ sdl }}' for n in range(20))} }}"


def frame(payload: bytes, opcode: int = TEXT, *, is_last: bool = True, reserved: int = 0) -> bytes:
    """As a client sends it: masked, here by nothing."""
    head = bytes([is_last << 7 | reserved << 4 | opcode])
    size = len(payload)
    if size < 126:
        return head + bytes([128 | size]) + bytes(4) + payload
    if size < 65536:
        return head + b"\xfe" + struct.pack("!H", size) + bytes(4) + payload
    return head + b"\xff" + struct.pack("!Q", size) + bytes(4) + payload


def asking(key: str, query: str) -> bytes:
    return frame(json.dumps({"type": "subscribe", "id": key, "payload": {"query": query}}).encode())


class Wire:
    """A WebSocket to a process, byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._unread = b""

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def read(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload; a lost connection ends like a closed one."""
        try:
            head = self._exactly(2)
            size = head[1]
            if size >= 126:
                size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
            return head[0] & 15, self._exactly(size)
        except ConnectionError:
            return CLOSE, b""

    def code(self) -> int:
        """Wait until it is closed: the code; 0 without one."""
        while (got := self.read())[0] != CLOSE:
            pass
        return int.from_bytes(got[1][:2], "big")

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            part = self.connection.recv(65536)
            if not part:
                raise ConnectionAbortedError
            self._unread += part
        found, self._unread = self._unread[:size], self._unread[size:]
        return found


@contextlib.contextmanager
def opened(server: Besieged, first: bytes = b"", receive: int | None = None) -> Iterator[Wire]:
    """A WebSocket on which something was sent first.

    Args:
        server: The process.
        first: What; without it nothing.
        receive: The bytes that the machine takes for a client that does not read.
    """
    at = urlsplit(server.url)
    with socket.socket() as connection:
        connection.settimeout(PATIENCE_S)
        if receive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        connection.connect((at.hostname, at.port))
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(f"{HANDSHAKE}Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")
        wire = Wire(connection)
        wire.send(first)
        yield wire


@contextlib.contextmanager
def let_in(server: Besieged, receive: int | None = None) -> Iterator[Wire]:
    """A WebSocket of a caller who is known."""
    with opened(server, frame(INIT), receive) as wire:
        assert wire.read() == (TEXT, b'{"type":"connection_ack"}')
        yield wire


@pytest.fixture
def friend(server: Besieged) -> Iterator[Friend]:
    with server.client(FRIEND) as http:
        yield Friend(http)


MALFORMED = {
    "binary": (frame(b'{"type": "ping"}', BINARY), 4400),
    "no JSON": (frame(b"{"), 4400),
    "deep JSON": (frame(b'{"type": "ping", "payload": ' + b'{"a":' * 40_000 + b"1" + b"}" * 40_001), 4400),
    "deep variables": (
        frame(b'{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": ' + b'{"a":[' * 30_000),
        4400,
    ),
    "a number of many digits": (frame(b'{"type": "ping", "payload": {"a": ' + b"9" * 50_000 + b"}}"), 4400),
    "another message": (frame(b'{"type": "' + b"x" * 100_000 + b'"}'), 4400),
    "no text": (frame(b"\xff\xfe\xfd"), 1007),
    "no text in pieces": (frame(b'"\xc3', is_last=False) + frame(b'"', 0), 1007),
    "half a character": (frame(b'"\\ud800"'), 4400),
    "too long": (frame(b" " * 300_000), 1009),
    "too long in pieces": (frame(b" ", is_last=False) + frame(b" " * 60_000, 0, is_last=False) * 6, 1009),
    "packed": (frame(b"\xaa\x56\x2a\xa9\x2c\x48\x55\xb2\x52\x2a\xc8\xcc\x4b\x57\xaa\x05\x00", reserved=4), 1002),
    "an opcode that there is not": (frame(b"", 7), 1002),
    "a ping in pieces": (frame(b"", PING, is_last=False), 1002),
    "a piece of nothing": (frame(b"{}", 0), 1002),
    "no mask": (b"\x81\x02{}", 1002),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_message_closes_its_websocket_alone(server: Besieged, name: str) -> None:
    sent, code = MALFORMED[name]
    with let_in(server) as other, let_in(server) as wire:
        wire.send(sent)
        assert wire.code() == code
        other.send(asking("1", "{ __typename }"))
        assert b'"next"' in other.read()[1]
    server.assert_well()


def test_pieces_without_end_are_not_gathered(server: Besieged) -> None:
    """Empty ones, so that no length ends it; and pings between them are answered, which is their right."""
    before = server.memory_mb
    with let_in(server) as wire:
        wire.send(frame(b"{", is_last=False))
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                wire.send(frame(b"", 0, is_last=False) * 10_000 + frame(b"", PING))
        assert wire.code() in (1009, 0)
    assert server.memory_mb - before < MOST_MB
    server.assert_well()


def test_floods_of_first_messages_come_to_nothing(server: Besieged, friend: Friend) -> None:
    """A second one closes it; wrong ones are told nothing."""
    with opened(server, frame(INIT) * 500) as wire:
        assert wire.code() == 4429
    for _ in range(CROWD):
        with opened(server, frame(INIT.replace(FOE.encode(), b"nobody"))) as wire:
            assert wire.code() == 4403
    friend.ask()
    server.assert_well()


def test_a_flood_of_operations_is_answered_one_by_one(server: Besieged, friend: Friend) -> None:
    """Each has an end, most as they are too many; the same number at once is let in as ever."""
    before = server.memory_mb
    with let_in(server) as wire:
        wire.send(b"".join(asking(f"{number}", LIVE) for number in range(1000)))
        ended: set[str] = set()
        open_: set[str] = set()
        while len(ended) + len(open_) < 1000:
            opcode, payload = wire.read()
            assert opcode == TEXT, payload
            message = json.loads(payload)
            (open_ if message["type"] == "next" else ended).add(message["id"])
            if message["type"] == "error":
                assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert 0 < len(open_) <= 16
        friend.ask()
    assert server.memory_mb - before < MOST_MB
    server.assert_well()


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"a" * 125, PING) * 500,
        frame(b'{"type": "ping"}') * 500,
        asking("1", WIDE) + asking("2", "{ __typename }"),
    ],
    ids=["pings of frames", "pings of messages", "wide answers"],
)
def test_answers_do_not_pile_up_for_who_does_not_read(server: Besieged, friend: Friend, sent: bytes) -> None:
    """However long it goes on asking."""
    before = server.memory_mb
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(let_in(server, receive=4096)) for _ in range(10)]
        until = clock.monotonic() + 6
        for wire in itertools.cycle(wires):
            wire.connection.settimeout(0.02)
            with contextlib.suppress(TimeoutError, ConnectionError):
                wire.connection.send(sent)
            if clock.monotonic() > until:
                break
        assert friend.ask() < PATIENCE_S
        assert server.memory_mb - before < MOST_MB
    server.assert_well()


def test_who_never_says_who_it_is_is_sent_away(server: Besieged, friend: Friend) -> None:
    """In time, whether it is silent or pings; others are served meanwhile."""
    with contextlib.ExitStack() as stack:
        sent = [b"", frame(b"", PING), frame(b'{"type": "ping"}')]
        wires = [stack.enter_context(opened(server, sent[number % 3])) for number in range(CROWD)]
        friend.ask()
        assert {wire.code() for wire in wires} == {4408}
    server.assert_well()


def test_handshakes_that_are_none_are_refused(server: Besieged) -> None:
    """In the words of HTTP."""
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    good = {"sec-websocket-key": base64.b64encode(os.urandom(16)).decode(), "sec-websocket-version": "13"}
    for headers in (
        upgrade,
        {**upgrade, **good, "sec-websocket-version": "99"},
        {**upgrade, **good, "sec-websocket-key": "x"},
        {**upgrade, **good, "upgrade": "something"},
    ):
        with httpx.Client(timeout=PATIENCE_S) as http:
            assert 400 <= http.get(f"{server.url}/graphql", headers=headers).status_code < 500
        with httpx.Client(timeout=PATIENCE_S) as http:
            assert 400 <= http.get(f"{server.url}/nothing", headers=headers).status_code < 500
    server.assert_well()
