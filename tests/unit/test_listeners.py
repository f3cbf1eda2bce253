"""Connections to what confgraph serves send what they have at once: waiting for an ACK costs 40 ms an answer."""

import contextlib
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from graph.sandbox import server
from graph.server.serving import listening

LISTENERS: dict[str, Callable[[], AbstractContextManager[socket.socket]]] = {
    "serve": lambda: listening("127.0.0.1", 0),
    "serve on IPv6": lambda: listening("::1", 0),
    "sandbox": lambda: server._listen(0),
}


@pytest.mark.parametrize("name", LISTENERS)
def test_a_connection_sends_at_once(name: str) -> None:
    with LISTENERS[name]() as listener, socket.create_connection(listener.getsockname()[:2]):
        connection, _ = listener.accept()
        with contextlib.closing(connection):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
