"""The playground: GraphiQL with examples, for browsers that open /graphql, and the files that its page loads.

The page itself needs no authentication: its queries do, like any others. `page/` has its sources; the build of
the wheel turns them into `built/` (see `.ci/playground.py`).
"""

import asyncio
import gzip
import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from graph.server.headers import HEADERS
from graph.settings import ServerSettings

HOME = Path(__file__).parent
PAGE = HOME / "built" / "index.html"
ROOT = b'id="playground"'  # of the page, where all of it is put
FILES = "/playground/{name}"  # beside /graphql, whatever both are served below
# No script but ours, no other host. The editor makes its styles as it goes; style sheets hold fonts and pictures.
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_offered(server: ServerSettings) -> bool:
    """Whether browsers are answered with it.

    Without introspection it could tell nothing about the schema, and it asks what nobody could have foreseen.
    """
    return server.playground and server.introspection and server.trusted_documents is None


def is_built() -> bool:
    """Whether this installation has its page."""
    return PAGE.exists()


class Playground:
    """Answers browsers.

    Args:
        built: Where the page is. Without it they are told how to get it.
        needs_key: Whether nobody is answered who does not say who asks.
    """

    def __init__(self, built: Path = PAGE.parent, *, needs_key: bool = False) -> None:
        page = built / PAGE.name
        self._page = (page if page.exists() else HOME / "absent.html").read_bytes()
        # So told, the page asks for the schema once it has a key, rather than in vain.
        self._locked = self._page.replace(ROOT, ROOT + b" data-needs-key") if needs_key else self._page
        self._files = {file.name.removesuffix(".gz"): file for file in (built / "playground").glob("*.gz")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page."""
        page = self._page if "authorization" in Headers(scope=scope) else self._locked  # a proxy may have added one
        await HTMLResponse(page, headers={**HEADERS, "content-security-policy": POLICY})(scope, receive, send)

    async def file(self, request: Request) -> Response:
        """Answer with a file that the page loads. Its name changes with what is in it.

        Raises:
            HTTPException: there is none of that name.
        """
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        content = await asyncio.to_thread(self._files[name].read_bytes)
        headers = {
            "content-security-policy": POLICY,  # of workers: they have none of the page's
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            content = await asyncio.to_thread(gzip.decompress, content)
        return Response(content, headers=headers, media_type=mimetypes.guess_type(name)[0])
