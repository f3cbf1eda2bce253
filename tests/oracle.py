"""What is true of a world at an instant, as far as each vendor can list it: plain dicts in GraphQL's words.

Written from contracts.md, schema.graphql and the world, never by asking an adapter. Only the identifiers that vendors
give, and what their twins choose where the documents are silent, come from the twins.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from answers import Row, seconds, settled, text

from graph.sandbox.world import Phase, World, WorldAttendance, WorldConference, WorldOrganization
from graph.vendors.hexmeet.emulator_rows import conf_guid
from graph.vendors.huawei.emulator import FIRST_CONF_ID, emulator_settings
from graph.vendors.netease.emulator_rows import FIRST_UNIQUE_ID
from graph.vendors.quanshi.emulator import to_row
from graph.vendors.systec.emulator import planned_minutes, uuid_of

NETEASE_CLIENTS = dict(zip(("TV", "IOS", "ANDROID", "WINDOWS", "MAC", "WEB", "SIP", "LINUX"), range(1, 9), strict=True))
MEDIA = {"listen": "LISTEN_ONLY", "speak": "SPEAK_ONLY", "both": "BOTH"}
BEFORE = timedelta(days=3)  # nothing of a conference lies so far from its start


class Oracle:
    """Knows a world at an instant. Sources bear their vendor's name."""

    def __init__(self, world: World, now: datetime) -> None:
        self.world = world
        self.now = now
        self.conf_ids: Any = emulator_settings(world)["conf_ids"]
        self.makers = {
            "hexmeet": self._hexmeet,
            "netease": self._netease,
            "systec": self._systec,
            "quanshi": self._quanshi,
            "huawei": self._huawei,
        }

    def listed(self, vendor: str, start: datetime, end: datetime) -> Iterator[WorldConference]:
        """The conferences that a vendor lists and whose sort time lies in a range."""
        for conference in self.world.between(vendor, start - BEFORE, end + BEFORE):
            phase = conference.phase(self.now)
            is_listed = {
                "hexmeet": phase is Phase.ENDED,
                "netease": phase is not Phase.UNBORN,
                "systec": phase is Phase.ENDED,
                "quanshi": phase is Phase.LIVE,
                "huawei": phase is Phase.LIVE and FIRST_CONF_ID + conference.serial in self.conf_ids,
            }
            if is_listed[vendor] and start <= conference.sort_time_at(self.now) < end:
                yield conference

    def conferences(self, start: datetime, end: datetime, vendors: Iterable[str] | None = None) -> list[Row]:
        """The conferences of all vendors in a range, latest first, by (sort time, source, vendorId)."""
        found = []
        for vendor in self.makers if vendors is None else vendors:
            for conference in self.listed(vendor, start, end):
                row = self.conference(conference)
                found.append(((conference.sort_time_at(self.now), vendor, row["vendorId"]), row))
        found.sort(key=lambda item: item[0], reverse=True)
        return [row for _, row in found]

    def conference(self, conference: WorldConference) -> Row:
        """One conference, as its vendor tells it."""
        vendor = conference.vendor
        row = self._blank(conference) | self.makers[vendor](conference)
        members, calls = row["members"], row["calls"]
        return row | {"members": self._inner(members, "joinedAt"), "calls": self._inner(calls, "startedAt")}

    def calls(self, start: datetime, end: datetime) -> list[Row]:
        """The calls of all vendors that began in a range, settled."""
        found = []
        for vendor, legs in (("hexmeet", self._hexmeet_call), ("systec", self._systec_calls)):
            for conference in self.world.between(vendor, start - BEFORE, end):
                found += legs(conference)
        return settled(
            sorted((row for row in found if text(start) <= row["startedAt"] < text(end)), key=_start), "startedAt"
        )

    # ---- what all have in common --------------------------------------------------------------

    def _blank(self, conference: WorldConference) -> Row:
        nothing = (
            "number title startedAt endedAt scheduledStartAt scheduledEndAt durationSeconds plannedDurationSeconds "
            "memberCount peakMemberCount errorCode errorInfo host creator agent company department room members calls"
        )
        vendor = conference.vendor
        source = {"name": vendor, "vendor": vendor.upper()}
        return {**dict.fromkeys(nothing.split()), "sourceName": vendor, "source": source}

    def _inner(self, rows: list[Row] | None, time: str) -> Row:
        """An inner connection; None where the vendor has no such thing."""
        nodes = settled(sorted(rows or (), key=lambda row: str(row[time])), time)
        status = "UNSUPPORTED" if rows is None else "OK"
        return {"totalCount": len(nodes), "complete": True, "sources": [{"status": status}], "nodes": nodes}

    def _member(self, attendance: WorldAttendance, *, has_left: bool, **known: Any) -> Row:
        nothing = ["displayName", "accountId", "phoneNumber", "clientVersion", "role", "mediaDirection", "onHold"]
        return {
            **dict.fromkeys(nothing),
            "joinedAt": text(attendance.join),
            "leftAt": text(attendance.leave) if has_left else None,
            "durationSeconds": seconds(attendance.join, attendance.leave) if has_left else None,
            "clientType": "UNKNOWN",
            **known,
        }

    def _leg(self, conference: WorldConference, start: datetime, end: datetime, **known: Any) -> Row:
        nothing = (
            "displayName bitrateKbps clientVersion phoneNumber cost errorCode errorInfo agent company department mcu"
        )
        vendor_id = self.vendor_id(conference)
        return {
            **dict.fromkeys(nothing.split()),
            "sourceName": conference.vendor,
            "startedAt": text(start),
            "endedAt": text(end),
            "durationSeconds": seconds(start, end),
            "conference": {"sourceName": conference.vendor, "vendorId": vendor_id, "number": conference.number},
            **known,
        }

    def vendor_id(self, conference: WorldConference) -> str:
        """By what its vendor knows a conference."""
        match conference.vendor:
            case "hexmeet":
                return conf_guid(conference)
            case "netease":
                return str(FIRST_UNIQUE_ID + conference.serial)
            case "systec":
                return uuid_of(conference)
            case "quanshi":
                return str(to_row(conference, self.now)["conferenceId"])
        return str(FIRST_CONF_ID + conference.serial)

    def present(self, conference: WorldConference) -> list[WorldAttendance]:
        """Who is in it now."""
        return [it for it in conference.attendances if it.join <= self.now < it.leave]

    # ---- HexMeet: history alone; who joined is known by the calls -----------------------------

    def _hexmeet(self, it: WorldConference) -> Row:
        steps = sorted([(a.join, 1) for a in it.attendances] + [(a.leave, -1) for a in it.attendances])
        sizes = [sum(step for _, step in steps[: i + 1]) for i in range(len(steps))]
        return {
            "vendorId": conf_guid(it),
            "number": it.number,
            "title": it.title,
            "state": "ENDED",
            "startedAt": text(it.start),
            "endedAt": text(it.end),
            "durationSeconds": seconds(it.start, it.end),
            "peakMemberCount": max(sizes, default=0),
            "host": person(name=it.host.name),
            "agent": organization(it.agent),
            "company": organization(it.company),
            "department": organization(it.host.department),
            "room": {"sourceName": "hexmeet", "name": it.room.name, "capacity": it.room.capacity},
            "errorCode": it.error_code,
            "errorInfo": f"ERROR_{it.error_code}" if it.error_code else None,
            "vendorFields": {"__typename": "HexmeetConferenceFields", "type": 3},
            "members": [
                self._member(a, has_left=True, displayName=a.person.name, clientVersion=a.version or None)
                for a in it.attendances
            ],
            "calls": self._hexmeet_call(it),
        }

    def _hexmeet_call(self, it: WorldConference) -> list[Row]:
        return [
            self._leg(
                it,
                a.join,
                a.leave,
                displayName=a.person.name,
                bitrateKbps=a.bitrate_kbps,
                callType="USER",
                clientVersion=a.version or None,
                errorCode=a.error_code,
                errorInfo=f"ERROR_{a.error_code}" if a.error_code else "NORMAL",
                agent=organization(it.agent),
                company=organization(it.company),
                department=organization(a.person.department),
                room={"sourceName": "hexmeet", "name": it.room.name},
                mcu={"sourceName": "hexmeet", "name": a.mcu.name, "kind": None},
            )
            for a in it.attendances
            if a.leave <= self.now
        ]

    # ---- NetEase: all states; members by detail -----------------------------------------------

    def _netease(self, it: WorldConference) -> Row:
        phase = it.phase(self.now)
        is_booked = it.scheduled_start is not None
        start = it.start if it.start and it.start <= self.now else None
        end = it.end if start and it.end and it.end <= self.now else None
        states = {Phase.SCHEDULED: 1, Phase.LIVE: 2, Phase.CANCELLED: 4, Phase.UNUSED: 5}
        is_recycled = not (is_booked and it.scheduled_end and self.now < it.scheduled_end)
        attendances = [a for a in it.attendances if a.join <= self.now]
        return {
            "vendorId": self.vendor_id(it),
            "number": it.number,
            "title": it.title,
            "state": "EXPIRED" if phase is Phase.UNUSED else phase.name,
            "startedAt": text(start),
            "endedAt": text(end),
            "scheduledStartAt": text(it.scheduled_start),
            "scheduledEndAt": text(it.scheduled_end),
            "durationSeconds": seconds(start, end) if end else None,
            "plannedDurationSeconds": seconds(it.scheduled_start, it.scheduled_end) if is_booked else None,
            "memberCount": len({a.person.account_id for a in attendances}),
            "host": person(accountId=it.host.account_id) if is_booked else None,
            "creator": person(accountId=it.creator.account_id),
            "vendorFields": {
                "__typename": "NeteaseConferenceFields",
                "status": states.get(phase, 5 if is_recycled else 3),
                "createdAt": text(it.created),
            },
            "members": [
                self._member(
                    a,
                    has_left=a.leave <= self.now,
                    displayName=a.person.name,
                    accountId=a.person.account_id,
                    clientType=a.client if a.client in NETEASE_CLIENTS else "UNKNOWN",
                    role=("CHAIR" if a.person is it.host else "PARTICIPANT") if is_booked else None,
                )
                for a in attendances
            ],
        }

    # ---- SYSTEC: history alone, rooms without names, telephone legs ---------------------------

    def _systec(self, it: WorldConference) -> Row:
        assert it.start is not None
        planned = timedelta(minutes=planned_minutes(it))
        return {
            "vendorId": uuid_of(it),
            "number": it.number,
            "title": it.title,
            "state": "ENDED",
            "startedAt": text(it.start),
            "endedAt": text(it.end),
            "scheduledStartAt": text(it.start),
            "scheduledEndAt": text(it.start + planned),
            "durationSeconds": seconds(it.start, it.end),
            "plannedDurationSeconds": int(planned.total_seconds()),
            "memberCount": len({a.person.name for a in it.attendances}),
            "room": {"sourceName": "systec", "name": None, "capacity": None},
            "vendorFields": {"__typename": "SystecConferenceFields", "isExtra": it.is_extra},
            "members": [self._member(a, has_left=True, displayName=a.person.name) for a in it.attendances],
            "calls": self._systec_calls(it),
        }

    def _systec_calls(self, it: WorldConference) -> list[Row]:
        if it.phase(self.now) is not Phase.ENDED:
            return []
        return [
            self._leg(
                it,
                leg.start,
                leg.end,
                callType="call-out",
                phoneNumber=leg.number,
                cost={"amount": str(leg.fen / 100), "currency": "CNY"},
                room={"sourceName": "systec", "name": None},
            )
            for leg in it.phone_legs
        ]

    # ---- Quanshi and Huawei: what goes on -----------------------------------------------------

    def _quanshi(self, it: WorldConference) -> Row:
        told = to_row(it, self.now)
        unit = organization(it.host.department)
        phone = told["hostMobile"] or None
        host = person(
            accountId=str(it.host.agent_id),
            name=it.host.name,
            email=it.host.email,
            phoneNumber=phone,
            organization=unit,
        )
        return {
            "vendorId": told["conferenceId"],
            "title": it.title,
            "state": "LIVE",
            "startedAt": text(it.start),
            "memberCount": len(self.present(it)),
            "host": host,
            "department": unit,
            "vendorFields": {
                "__typename": "QuanshiConferenceFields",
                "customerCode": str(it.company.id),
                "hostLocation": it.host.province,
                "isSecure": it.is_secure,
                "isRecorded": it.is_recorded,
                "confDurationSeconds": told["confDuration"],
            },
        }

    def _huawei(self, it: WorldConference) -> Row:
        assert it.start is not None
        planned = timedelta(hours=1)  # the twin's, where nothing was booked
        if it.scheduled_start and it.scheduled_end:
            planned = it.scheduled_end - it.scheduled_start
        present = self.present(it)
        chair = next((a for a in present if a.is_chair), None)
        return {
            "vendorId": str(FIRST_CONF_ID + it.serial),
            "state": "LIVE",
            "startedAt": text(it.start),
            "scheduledStartAt": text(it.start),
            "scheduledEndAt": text(it.start + planned),
            "plannedDurationSeconds": int(planned.total_seconds()),
            "memberCount": addresses(present),
            "host": person(**address(chair)) if chair else None,
            "vendorFields": {
                "__typename": "HuaweiConferenceFields",
                "appliedMinutes": planned // timedelta(minutes=1),
                "elapsedMinutes": (self.now - it.start) // timedelta(minutes=1),
            },
            "members": [
                self._member(
                    a,
                    has_left=False,
                    clientType="AGENT" if a.client == "AGENT" else "PHONE",
                    role="CHAIR" if a.is_chair else "PARTICIPANT",
                    mediaDirection=MEDIA[a.media],
                    onHold=a.is_on_hold,
                    **address(a),
                )
                for a in present
            ],
        }


def organization(it: WorldOrganization) -> Row:
    """As answered."""
    return {"vendorId": str(it.id), "name": it.name}


def person(**known: Any) -> Row:
    """As answered."""
    return {**dict.fromkeys(("accountId", "name", "email", "phoneNumber", "organization")), **known}


def address(it: WorldAttendance) -> Row:
    """How Huawei tells who that is."""
    if it.client == "AGENT":
        return {"accountId": str(it.person.agent_id)}
    return {"phoneNumber": it.person.phone}


def addresses(present: Iterable[WorldAttendance]) -> int:
    """How many different people Huawei sees."""
    return len({tuple(address(it).items()) for it in present})


def _start(row: Row) -> str:
    return str(row["startedAt"])
