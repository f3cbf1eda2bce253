"""Reads a small document of a trusted address again and again: one at a time, bounded in time and size."""

import asyncio
from ssl import SSLError

import httpcore
import httpx

from graph.transport.bodies import ACCEPTED, TooLongError, read_body


class DownloadError(Exception):
    """The document could not be read. Its text is a few words of ours, and holds nothing of the answer."""


class Download:
    """What is at one address. Make it once and keep it.

    Args:
        url: Where it is. Redirects are not followed.
        most: So many bytes it may have.
        timeout_s: For the whole of it.
    """

    def __init__(self, url: str, most: int, timeout_s: float) -> None:
        self._url = url
        self._most = most
        self._timeout_s = timeout_s
        # Time is bounded for the whole, in read.
        self._http = httpx.AsyncClient(timeout=None, trust_env=False, headers=ACCEPTED)  # noqa: S113

    async def aclose(self) -> None:
        """Close its connection."""
        await self._http.aclose()

    async def read(self) -> bytes:
        """Read it.

        Raises:
            DownloadError: there is no whole answer in time, or it is an error, a redirect or too long.
        """
        try:
            async with asyncio.timeout(self._timeout_s), self._http.stream("GET", self._url) as response:
                if response.status_code != httpx.codes.OK:
                    raise DownloadError(f"status {response.status_code}")
                return await read_body(response, self._most)
        except TimeoutError:
            raise DownloadError("timeout") from None
        except TooLongError:
            raise DownloadError("too long") from None
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            UnicodeError,
            SSLError,
        ):
            raise DownloadError("unreachable") from None
