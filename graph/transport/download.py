"""Reads a small document of a trusted address again and again: one at a time, bounded in time and size."""

from pathlib import Path

import httpx

from graph.transport.bodies import TooLongError, unpacked
from graph.transport.connection import message_of, start_of
from graph.transport.connections import HEADERS, Connections


class DownloadError(Exception):
    """The document could not be read. Its text is a few words of ours, and holds nothing of the answer."""


class Download:
    """What is at one address. Make it once and keep it.

    Args:
        url: Where it is. Redirects are not followed.
        most: So many bytes it may have.
        timeout_s: For the whole of it.
        ca_file: Certificates of authorities to trust besides those everybody trusts.
    """

    def __init__(self, url: str, most: int, timeout_s: float, ca_file: Path | None = None) -> None:
        self._url = url
        self._most = most
        self._timeout_s = timeout_s
        self._connections = Connections(most, ca_file)

    async def aclose(self) -> None:
        """Close its connection."""
        await self._connections.aclose()

    async def read(self) -> bytes:
        """Read it.

        Raises:
            DownloadError: there is no whole answer in time, or it is an error, a redirect or too long.
        """
        try:
            url = httpx.URL(self._url)
            message = message_of(start_of("GET", url, HEADERS), {}, b"")
            answer = await self._connections.ask(url, message, self._timeout_s)
            if answer.status != httpx.codes.OK:
                raise DownloadError(f"status {answer.status}")
            return unpacked(answer.body, answer.encoding, self._most)
        except TimeoutError:
            raise DownloadError("timeout") from None
        except TooLongError:
            raise DownloadError("too long") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            raise DownloadError("unreachable") from None
