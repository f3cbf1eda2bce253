"""How many of a vendor's callers come at the same time."""

import asyncio
from collections import Counter, defaultdict

from starlette.types import ASGIApp, Receive, Scope, Send


class Crowd:
    """Counts how many requests of each report run at the same time at most."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: dict[str, int] = defaultdict(int)

    def around(self, _: str, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            report = str(scope.get("path", "")).rsplit("/", 1)[-1]
            self.now[report] += 1
            self.most[report] = max(self.most[report], self.now[report])
            await asyncio.sleep(0.02)
            await app(scope, receive, send)
            self.now[report] -= 1

        return counted
