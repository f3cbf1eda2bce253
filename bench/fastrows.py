"""The rows that the fast vendors have, and what an answer looks like: every row is a function of its place in time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MS = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCAL_MS = 8 * 3_600_000  # local times are eight hours ahead
DAY_MS = 86_400_000
QUARTER_MS = 900_000
LIVE_MS = int(datetime(2020, 3, 1, tzinfo=UTC).timestamp() * 1000) - LOCAL_MS  # the day on which all live ones began
MEMBERS = 3


class Row(NamedTuple):
    """A row's place: the year in which its era began, its number in it, and when it starts."""

    year: int
    number: int
    at_ms: int

    @property
    def key(self) -> int:
        """The number that a vendor knows it by."""
        return self.year * 10**8 + self.number


class Era(NamedTuple):
    """A year in which rows lie equally dense: so many in each period of local time."""

    year: int
    rows: int
    period_ms: int

    @property
    def start_ms(self) -> int:
        """The first local midnight."""
        return int(datetime(self.year, 1, 1, tzinfo=UTC).timestamp() * 1000) - LOCAL_MS

    @property
    def step_ms(self) -> int:
        """From one row to the next."""
        return self.period_ms // self.rows

    def row(self, number: int) -> Row:
        """One row."""
        return Row(self.year, number, self.start_ms + number * self.step_ms)

    def between(self, first_ms: int, end_ms: int) -> list[Row]:
        """The rows that start in a range, half-open, in an order of no meaning."""
        low, high = (max(0, -((self.start_ms - at) // self.step_ms)) for at in (first_ms, end_ms))
        return [self.row(number) for number in sorted(range(low, high), key=lambda n: n * 2654435761 % 2**32)]


# In each quarter of an hour there are exactly as many rows as a page has, so that a page needs one list request.
ERAS = [Era(2020, 20, DAY_MS), *(Era(2020 + n, rows, QUARTER_MS) for n, rows in enumerate((1, 20, 100, 1000), 1))]
BY_YEAR = {era.year: era for era in ERAS}


def rows_between(first_ms: int, end_ms: int) -> list[Row]:
    """The rows of a range; it may not reach over the end of a year."""
    era = BY_YEAR.get((EPOCH + (first_ms + LOCAL_MS) * MS).year)
    return era.between(first_ms, end_ms) if era else []


def row_of(key: int) -> Row:
    """The row that a vendor knows by a number."""
    return BY_YEAR[key // 10**8].row(key % 10**8)


def to_ms(text: str) -> int:
    """ISO 8601 with offset."""
    return (datetime.fromisoformat(text) - EPOCH) // MS


def iso(ms: int) -> str:
    """As HexMeet writes times."""
    return (EPOCH + (ms + LOCAL_MS) * MS).replace(tzinfo=None).isoformat(timespec="milliseconds") + "+08:00"


def wall(ms: int) -> str:
    """As NetEase and SYSTEC write times."""
    return f"{EPOCH + (ms + LOCAL_MS) * MS:%Y-%m-%d %H:%M:%S}"


def per_day(first_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The local midnights of a range, each with the number of its day's rows that are in the range."""
    for day in range(first_ms - (first_ms + LOCAL_MS) % DAY_MS, end_ms, DAY_MS):
        yield day, len(rows_between(max(day, first_ms), min(day + DAY_MS, end_ms)))


# ---- what a row says at each vendor -------------------------------------------------------------


def hexmeet(row: Row) -> dict[str, Any]:
    """A conference of term_conf_stats."""
    n, seconds = row.number, 30 + row.number * 37 % 7000
    return {
        "room_name": f"研发部 {n % 40} 号会议室",
        "capacity": (10, 25, 50, 200)[n % 4],
        "endTime": iso(row.at_ms + seconds * 1000),
        "department": None if n % 7 == 3 else "研发部",
        "department_id": 33931264 + n % 5,
        "agent_id": 101376,
        "company_id": 31314944,
        "company": "示例科技有限公司",
        "agent": "Example Agent",
        "conf_guid": f"{row.key:032x}",
        "duration": seconds,
        "startTime": iso(row.at_ms),
        "error_code": 408 if n % 11 == 5 else 0,
        "error_info": "TIMEOUT" if n % 11 == 5 else "",
        "conf_number": str(13900000000 + n % 10**6),
        "host": None if n % 13 == 6 else f"user{n % 17}",
        "max_party_count": 1 + n % 30,
        "conf_name": f"user{n % 17} 的会议",
        "type": 1 + n % 4,
    }


def netease(row: Row) -> dict[str, Any]:
    """A meeting of `list`."""
    n, seconds = row.number, 60 + row.number * 41 % 5000
    return {
        "appId": 1,
        "meetingId": 200000000 + n % 10**6,
        "meetingUniqueId": row.key,
        "id": 10**14 + row.key,
        "subject": "周例会" if n % 3 else "test",
        "creatorAccountId": str(10**15 + n % 50),
        "hostAccountId": str(10**15 + n % 50),
        "status": 5,
        "meetingCreateTime": wall(row.at_ms - 60_000),
        "reserveStartTime": "",
        "reserveEndTime": "",
        "realStartTime": wall(row.at_ms),
        "realEndTime": wall(row.at_ms + seconds * 1000),
        "duration": seconds,
        "memberCount": MEMBERS,
        "peakNum": MEMBERS,
    }


def netease_detail(row: Row) -> dict[str, Any]:
    """A meeting of `detail`: without its host and creator, with its members."""
    meeting = netease(row)
    host, seconds = int(meeting.pop("hostAccountId")), meeting["duration"]
    del meeting["creatorAccountId"]
    members = [
        {
            "id": 10 * row.key + number,
            "accountId": str(host + number),
            "nickname": f"user{number}",
            "joinTime": wall(row.at_ms + number * 1000),
            "exitTime": wall(row.at_ms + seconds * 1000),
            "duration": seconds - number,
            "clientType": 1 + (row.number + number) % 5,
        }
        for number in range(MEMBERS)
    ]
    return meeting | {"members": members}


def systec(row: Row) -> dict[str, Any]:
    """A meeting of share/detail."""
    return {
        "uuid": f"{row.key:022d}==",
        "host_id": f"ROOM{row.number % 40:018d}",
        "meeting_id": str(1790000000 + row.number),
        "topic": "Weekly",
        "start_time": wall(row.at_ms),
        "duration": 60,
        "end_time": wall(row.at_ms + 3_600_000),
        "is_extra": row.number % 2,
        "participants": [],
        "telephony_usage": [],
    }


def quanshi(number: int) -> dict[str, Any]:
    """A conference that goes on, of listbystatus."""
    start = LIVE_MS // 1000 + number * 7_000
    return {
        "eventId": 1165158 + number,
        "conferenceId": str(22188557 + number),
        "confName": "周例会",
        "billingCode": "",
        "customerCode": "990001",
        "guestPcode": "5d41c4ac806c6440eb6aa8e071115f2b",
        "hostId": 10001 + number,
        "hostName": f"user{number % 17}",
        "hostEmail": "host@example.com",
        "hostMobile": "",
        "hostAccountType": 1,
        "hostAccountTypeStr": "付费",
        "hostOrgId": 72927934,
        "hostOrgName": "研发部",
        "hostIp": "10.0.0.1",
        "hostLocation": "",
        "startTime": start,
        "startTimeStr": wall(start * 1000),
        "stopTime": 0,
        "stopTimeStr": "",
        "confDuration": 3600,
        "confDurationMinute": 60,
        "isSecureConf": False,
        "isRecord": True,
        "dataCenter": "",
        "status": 2,
        "attendeeCnt": 5,
        "voipCnt": 0,
        "pstnCnt": 0,
        "videoCnt": 2,
        "desktopCnt": 3,
        "mcuCnt": 0,
        "boxCnt": 0,
        "rawAttendeeCnt": 4,
        "rawPstnCnt": 0,
    }


def huawei(conf_id: int) -> dict[str, Any]:
    """A conference that goes on, of queryconfinfos."""
    start = LIVE_MS + conf_id % 20 * 4_000_000
    addresses = [("6", f"7{conf_id % 10000:04d}", 0), ("9", str(100 + conf_id % 900), 1)]
    return {
        "confId": conf_id,
        "confState": 0,
        "startTime": start,
        "applyConfTime": 60,
        "confHaveBeenTime": 29,
        "addresses": [
            {
                "addressType": kind,
                "address": address,
                "deviceCallType": 0,
                "deviceType": 0,
                "channelAttrib": 3,
                "channelState": 0,
                "role": role,
                "enterTime": start + 1000,
            }
            for kind, address, role in addresses
        ],
    }


def page_of(rows: Sequence[Row], number: int, size: int) -> Sequence[Row]:
    """A numbered page, from 1."""
    return rows[(number - 1) * size : number * size]
