"""What attacks share: a server that they may ask as often as they like."""

from collections.abc import Iterator

import httpx
import pytest

from attacks.besieging import FOE, UNLIMITED, Besieged, besieged


@pytest.fixture(scope="module")
def server() -> Iterator[Besieged]:
    with besieged(UNLIMITED) as server:
        yield server


@pytest.fixture(scope="module")
def foe(server: Besieged) -> Iterator[httpx.Client]:
    with server.client(FOE) as http:
        yield http
