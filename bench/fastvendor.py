"""All five vendors in one process that answers faster than any server under test can ask.

    python bench/fastvendor.py

Answers are kept as bytes: all but the first of each kind cost a look-up. They are honest about ranges: only rows of the
range that was asked for, in no order, with the right totals. `GET /_counts` tells how often each endpoint was asked
since the last time, `GET /_delay/50` makes every later answer wait for 50 ms.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

import fastrows
import msgspec
import uvloop

LIVE = 10
LOCAL = "T00:00:00+08:00"
KEPT = 20_000  # answers: those of a benchmark are far fewer


class Asked(msgspec.Struct, frozen=True):
    """What any of the vendors may be asked, as far as the answer depends on it."""

    start_time: str = ""
    end_time: str = ""
    size: int = 10
    scrollid: str = ""
    startTime: int = 0  # noqa: N815 - NetEase's word
    endTime: int = 0  # noqa: N815 - likewise
    pageIndex: int = 1  # noqa: N815 - likewise
    pageSize: int = 10  # noqa: N815 - likewise
    meetingUniqueId: int = 0  # noqa: N815 - likewise
    page: int = 1
    count: int = 20
    confIds: tuple[int, ...] = ()  # noqa: N815 - Huawei's word
    form: tuple[tuple[str, str], ...] = ()


def scroll(asked: Asked) -> dict[str, Any]:
    """HexMeet, term_conf_stats: the scroll id is the place in the list."""
    rows = fastrows.rows_between(fastrows.to_ms(asked.start_time), fastrows.to_ms(asked.end_time))
    offset = int(asked.scrollid[-8:] or 0)
    part = rows[offset : offset + asked.size]
    return _hexmeet(
        total=len(rows),
        count=len(part),
        scrollid="DnF1ZXJ5VGhlbkZldGNo" * 160 + f"{offset + len(part):08d}",
        buckets=[fastrows.hexmeet(row) for row in part],
    )


def histogram(asked: Asked) -> dict[str, Any]:
    """HexMeet, datehistgram_stats."""
    # A question about a range ends within its last millisecond.
    days = fastrows.per_day(fastrows.to_ms(asked.start_time), fastrows.to_ms(asked.end_time) + 1)
    buckets = [
        {
            "key": day,
            "key_as_string": fastrows.wall(day)[:10],
            "count": n,
            "min": 60,
            "max": 60,
            "avg": 60,
            "sum": 60 * n,
        }
        for day, n in days
    ]
    return _hexmeet(count=sum(it["count"] for it in buckets), sum=sum(it["sum"] for it in buckets), buckets=buckets)


def _hexmeet(**fields: Any) -> dict[str, Any]:
    return {"guid": "", "err_code": 0, "err_info": "RESULT_OK", "more_info": "", **fields}


def meetings(asked: Asked) -> dict[str, Any]:
    """NetEase, list."""
    rows = fastrows.rows_between(asked.startTime, asked.endTime)
    query = {
        "pageSize": asked.pageSize,
        "pageIndex": asked.pageIndex,
        "totalPageCount": -(-len(rows) // asked.pageSize),
        "totalCount": len(rows),
        "offset": (asked.pageIndex - 1) * asked.pageSize,
        "limit": asked.pageSize,
    }
    page = fastrows.page_of(rows, asked.pageIndex, asked.pageSize)
    return _netease({"query": query, "list": [fastrows.netease(row) for row in page]})


def meeting(asked: Asked) -> dict[str, Any]:
    """NetEase, detail."""
    return _netease([fastrows.netease_detail(fastrows.row_of(asked.meetingUniqueId))])


def days(asked: Asked) -> dict[str, Any]:
    """NetEase, getByTimeRange."""
    details = [
        {"date": day, "meetingCount": n, "meetingDuration": n * 60_000, "meetingMemberCount": 3 * n, "peakNum": 3}
        for day, n in fastrows.per_day(asked.startTime, asked.endTime + 1)
    ]
    sums = {key: sum(it[key] for it in details) for key in ("meetingCount", "meetingDuration", "meetingMemberCount")}
    return _netease({f"sum{key[0].upper()}{key[1:]}": n for key, n in sums.items()} | {"details": details})


def _netease(ret: Any) -> dict[str, Any]:
    return {"code": 200, "ret": ret, "requestId": "mc_72f0704fa3bf45d6910523a04880df49", "costTime": "8ms"}


def share_detail(asked: Asked) -> dict[str, Any]:
    """SYSTEC, share/detail; the range ends with the day before `to`."""
    form = dict(asked.form)
    first, end = (fastrows.to_ms(form[key] + LOCAL) for key in ("from", "to"))
    rows = fastrows.rows_between(first, end)
    number, size = int(form["page_number"]), int(form["page_size"])
    page = fastrows.page_of(rows, number, size)
    data = {
        "from": form["from"],
        "to": (date.fromisoformat(form["to"]) - timedelta(1)).isoformat(),
        "total_record": len(rows),
        "total_page": -(-len(rows) // size),
        "page_number": number,
        "page_size": size,
        "has_previous_page": number > 1,
        "has_next_page": number * size < len(rows),
        "meetings": [fastrows.systec(row) for row in page],
    }
    return {"status": 200, "message": "OK", "data": data}


def list_by_status(asked: Asked) -> dict[str, Any]:
    """Quanshi, listbystatus."""
    numbers = range(LIVE)[(asked.page - 1) * asked.count : asked.page * asked.count]
    result = {"totalCount": LIVE, "confList": [fastrows.quanshi(number) for number in numbers]}
    return {"status": 0, "result": result, "msg": "success", "request_id": "confopenapiserver-1-1.1"}


def query_conf_infos(asked: Asked) -> dict[str, Any]:
    """Huawei, queryconfinfos."""
    return {"message": "", "retcode": "0", "result": {"confs": [fastrows.huawei(number) for number in asked.confIds]}}


ENDPOINTS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "term_conf_stats": scroll,
    "datehistgram_stats": histogram,
    "list": meetings,
    "detail": meeting,
    "getByTimeRange": days,
    "share/detail": share_detail,
    "listbystatus": list_by_status,
    "queryconfinfos": query_conf_infos,
}
_JSON = msgspec.json.Decoder(Asked)


@functools.lru_cache(KEPT)
def respond(endpoint: str, asked: Asked) -> bytes:
    """The whole answer of an endpoint, head included."""
    return _with_head(ENDPOINTS[endpoint](asked))


def _with_head(answer: object, status: str = "200 OK") -> bytes:
    body = msgspec.json.encode(answer)
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status.encode(),
        len(body),
        body,
    )


@functools.lru_cache(1000)
def endpoint_of(target: bytes) -> str:
    """The last word of a path, or the last two where one says too little."""
    path = target.decode().partition("?")[0]
    return "share/detail" if path.endswith("/share/detail") else path.rpartition("/")[2]


class State:
    """What all connections share."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.delay_s = 0.0

    def serve(self, target: bytes, body: bytes) -> bytes:
        """Answer one request."""
        if target.startswith(b"/_"):
            return self._tell(target)
        endpoint = endpoint_of(target)
        self.counts[endpoint] += 1
        if endpoint not in ENDPOINTS:
            return _with_head({"unknown": endpoint}, "404 Not Found")
        if body[:1] == b"{":
            return respond(endpoint, _JSON.decode(body))
        return respond(endpoint, Asked(form=tuple(parse_qsl(body.decode()))))

    def _tell(self, target: bytes) -> bytes:
        if target.startswith(b"/_delay/"):
            self.delay_s = int(target.rpartition(b"/")[2]) / 1000
        told = dict(self.counts)
        self.counts.clear()
        return _with_head(told)


class Connection(asyncio.Protocol):
    """One connection: as much HTTP as the servers under test speak to a vendor."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head = self._unread[:end].lower()
            if b"\r\ntransfer-encoding:" in head:
                self._transport.write(_with_head({}, "411 Length Required"))
                self._transport.close()
                return
            _, _, length = head.partition(b"\r\ncontent-length:")
            whole = end + 4 + int(length.partition(b"\r\n")[0] or 0)
            if len(self._unread) < whole:
                return
            target = self._unread.split(b" ", 2)[1]
            answer = self._state.serve(target, self._unread[end + 4 : whole])
            self._unread = self._unread[whole:]
            if self._state.delay_s and not target.startswith(b"/_"):
                asyncio.get_running_loop().call_later(self._state.delay_s, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve() -> None:
    """Listen on a free port and say which."""
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=4096)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
