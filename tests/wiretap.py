"""What confgraph sends to vendors, byte by byte, and whether that has the shape which their documents show."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"
DAY = r"\d{4}-\d\d-\d\d"
NUMBER = r"0|[1-9]\d{0,18}"
HEADERS = {
    "host": r"127\.0\.0\.1:\d+",
    "accept": r"\*/\*|application/json",
    "accept-encoding": "gzip",
    "connection": "keep-alive",
    "user-agent": r"confgraph/[\d.]+",
    "content-type": r"application/json(; ?charset=utf-8)?|application/x-www-form-urlencoded",
    "content-length": r"\d+",
}


class Wire(NamedTuple):
    """What a vendor's document lets be sent: patterns of the whole path, of each header and of each value."""

    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str] = {}
    query: str = ""
    is_form: bool = False


WIRES = {
    "hexmeet": Wire(
        r"/report/agg/(term_conf|term_call|datehistgram|term|term_datehistgram|term_region)_stats",
        {
            **dict.fromkeys(("agent_id", "company_id", "dept_id", "size"), NUMBER),
            **dict.fromkeys(("start_time", "end_time"), INSTANT),
            "time_zone": r"[+-]\d\d:\d\d",
            "scroll_timeout": r"\d{1,4}s",
            "scrollid": r"[\w+/=-]+",
            "guid": "[0-9a-f]{32}",
            "token": r"[\w-]+",
            **dict.fromkeys(("target", "param1", "order"), "[a-z_]+"),
            "interval": "1d",
            "format": "yyyy-MM-dd",
        },
        query="domainId=null",
    ),
    "netease": Wire(
        r"/v1/statistic/meeting/(list|detail|getByTimeRange)",
        {
            **dict.fromkeys(("startTime", "endTime", "pageIndex", "pageSize", "meetingUniqueId"), NUMBER),
            "status": r"[1-5](,[1-5])*",
        },
        {"appkey": r"[\w-]+", "nonce": r"\d{8}", "curtime": r"\d{10}", "checksum": "[0-9a-f]{40}"},
    ),
    "systec": Wire(
        "/umeeting/share/detail",
        {
            **dict.fromkeys(("api_key", "api_secret"), r"[\w-]+"),
            **dict.fromkeys(("from", "to"), DAY),
            **dict.fromkeys(("page_number", "page_size"), NUMBER),
            "host_id": r"[A-Za-z0-9_-]{1,64}",
            "uuid": r"[A-Za-z0-9+/_-]{1,64}={0,2}",
            **dict.fromkeys(("show_participants", "show_telephony_usage"), "true"),
        },
        is_form=True,
    ),
    "quanshi": Wire(
        "/confopenapi/conference/listbystatus",
        {**dict.fromkeys(("page", "count", "adminUserId"), NUMBER), "filterOneAttendee": "false"},
        {"token": r"[\w-]+"},
    ),
    "huawei": Wire(
        r"/agentgateway/resource/agentconf/\d{3,6}/queryconfinfos",
        {"confIds": rf"\[(({NUMBER})(, )?){{1,20}}\]"},
        {"guid": r"[\w.-]+"},
    ),
}


@dataclass(frozen=True)
class Sent:
    """One request as it came over the line."""

    vendor: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, Any]]:
        """The fields of the body, each as often as it stands there."""
        if WIRES[self.vendor].is_form:
            return list(parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
        pairs: list[tuple[str, Any]] = json.loads(self.body, object_pairs_hook=list)
        return pairs

    def faults(self) -> list[str]:
        """What of it no document shows."""
        wire = WIRES[self.vendor]
        names = [name for name, _ in (*self.headers, *self.fields)]
        found = [f"{name} twice" for name in set(names) if names.count(name) > 1]
        if (self.method, self.query) != ("POST", wire.query) or not fits(wire.path, self.path):
            found.append(f"{self.method} {self.path}?{self.query}")
        for patterns, pairs in ((HEADERS | dict(wire.headers), self.headers), (wire.fields, self.fields)):
            for name, value in pairs:
                text = value if isinstance(value, str) else json.dumps(value)
                if name not in patterns or not fits(patterns[name], text):
                    found.append(f"{name}: {text}")
        return [f"{self.vendor} {fault}" for fault in found]


def fits(pattern: str, text: str) -> bool:
    """Whether all of a text is as the pattern says, in ASCII, whichever letters are capital."""
    return bool(re.fullmatch(pattern, text, re.ASCII | re.IGNORECASE))


@dataclass
class Wiretap:
    """Put around emulators: keeps what they are sent."""

    sent: list[Sent] = field(default_factory=list)

    def wrap(self, vendor: str, app: ASGIApp) -> ASGIApp:
        """An emulator, listened in to."""

        async def tapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            messages: list[Message] = [await receive()]
            while messages[-1].get("more_body"):
                messages.append(await receive())
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
            body = b"".join(message.get("body", b"") for message in messages)
            path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
            self.sent.append(Sent(vendor, scope["method"], path, query, headers, body))

            async def again() -> Message:
                return messages.pop(0) if messages else await receive()

            await app(scope, again, send)

        return tapped

    def faults(self) -> list[str]:
        """What no document shows of all that was sent."""
        return [fault for sent in self.sent for fault in sent.faults()]

    def values(self, name: str) -> set[str]:
        """What was sent in a field, the items of lists one by one."""
        values = [value for sent in self.sent for key, value in sent.fields if key == name]
        return {str(item) for value in values for item in (value if isinstance(value, list) else [value])}
