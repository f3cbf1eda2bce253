"""HexMeet's documented answers, served by its emulator, come out right through the schema."""

import copy
from collections.abc import Mapping

import pytest
from conftest import sample
from documented import Exempt, Said, Table, documenting, exempt, faults, rows

pytestmark = pytest.mark.anyio

ENVELOPE = exempt(Exempt.ENVELOPE, "guid", "err_code", "err_info", "more_info")
# Both samples have one row and tell of 2276: with pages so large that is no reason to read a narrower window.
ONE_PAGE = {"page_size": 5000, "max_open_scrolls": 0}
# `count` is the rows on the page, and how many there are in all comes from datehistgram_stats: see below.
SCROLL = ENVELOPE | exempt(Exempt.PAGING, "total", "count") | exempt(Exempt.SECRET, "scrollid")
AGENT = {"agent": {"agent.name": ["HexMeet RD Agent"]}, "agent_id": {"agent.vendorId": ["101376"]}}
COMPANY = {"company": {"company.name": ["hexmeetrd 研发专用公司"]}, "company_id": {"company.vendorId": ["31314944"]}}
DEPARTMENT = {"department": {"department.name": ["研发北京"]}, "department_id": {"department.vendorId": ["33931264"]}}
TENANT = "agent { vendorId name } company { vendorId name } department { vendorId name }"

CONFERENCES = sample("hexmeet-term_conf_stats")
CONFERENCES_DAY = {"from": "2021-01-11T00:00:00+08:00", "to": "2021-01-12T00:00:00+08:00"}
CONFERENCES_QUERY = f"""
query ($during: TimeRange!) {{
  conferences(filter: {{during: $during}}) {{
    nodes {{
      vendorId number title state startedAt endedAt durationSeconds peakMemberCount memberCount errorCode errorInfo
      host {{ name }} room {{ name capacity }} {TENANT}
      vendorFields {{ ... on HexmeetConferenceFields {{ type }} }}
    }}
    complete
  }}
}}
"""
CONFERENCES_TABLE: Table = SCROLL | rows(
    "buckets[]",
    "conferences.nodes[]",
    {
        "conf_guid": {"vendorId": ["0f101e6cf75b44c28ead23040723213e"], "state": ["ENDED"]},
        "conf_number": {"number": ["13910001021"]},
        "conf_name": {"title": ["liuc@hexmeet 的会议"]},
        "room_name": {"room.name": ["研发 10 方个人会议室 Olsen"]},
        "capacity": {"room.capacity": [10]},
        "host": {"host.name": ["liuc"]},
        "startTime": {"startedAt": ["2021-01-11T11:03:20.279Z"]},
        "endTime": {"endedAt": ["2021-01-11T11:57:10.627Z"]},
        "duration": {"durationSeconds": [3230]},
        "max_party_count": {"peakMemberCount": [5], "memberCount": [None]},
        "error_code": {"errorCode": [0]},
        "error_info": {"errorInfo": [None]},
        "type": {"vendorFields.type": [3]},
        **AGENT,
        **COMPANY,
        **DEPARTMENT,
    },
)

CALLS = sample("hexmeet-term_call_stats")
CALLS_DAY = {"from": "2021-01-12T00:00:00+08:00", "to": "2021-01-13T00:00:00+08:00"}
CALLS_QUERY = f"""
query ($during: TimeRange!) {{
  calls(filter: {{during: $during}}) {{
    nodes {{
      vendorId displayName startedAt endedAt durationSeconds bitrateKbps callType clientVersion errorCode errorInfo
      conference {{ vendorId number }} room {{ name }} mcu {{ name }} {TENANT}
    }}
    complete
  }}
}}
"""
CALLS_TABLE: Table = SCROLL | rows(
    "buckets[]",
    "calls.nodes[]",
    {
        "call_guid": {"vendorId": ["5d0d1d23-95b3-49bd-b576-7a7f79173c35"]},
        "conf_guid": {"conference.vendorId": ["117777b31ac7449bb021de3749a11af2"]},
        "conf_number": {"conference.number": ["13910001021"]},
        "name": {"displayName": ["刘冲安卓"]},
        "room": {"room.name": ["研发 10 方个人会议室 Olsen"]},
        "startTime": {"startedAt": ["2021-01-12T12:39:35Z"]},
        "endTime": {"endedAt": ["2021-01-12T12:45:40Z"]},
        "duration": {"durationSeconds": [365]},
        "call_rate": {"bitrateKbps": [2048]},
        "call_type": {"callType": ["USER"]},
        "version": {"clientVersion": ["HexMeet EasyVideo Android SVC 1.4.146"]},
        "mcu_name": {"mcu.name": ["haishen mru 192 168 1 68"]},
        "error_code": {"errorCode": [0]},
        "error_info": {"errorInfo": ["NORMAL"]},
        **AGENT,
        **COMPANY,
        **DEPARTMENT,
    },
)

HISTOGRAM = sample("hexmeet-datehistgram_stats")
TRUNCATED = sample("hexmeet-datehistgram_stats-section6-truncated")
USAGE_QUERY = """
query ($of: UsageSubject!) {
  usage(of: $of, days: {from: "2021-01-08", to: "2021-01-14"}) {
    count totalDurationSeconds attendanceCount complete
    buckets {
      date startsAt
      stats { count totalDurationSeconds minDurationSeconds maxDurationSeconds averageDurationSeconds }
    }
    sources { status error { code message } }
  }
}
"""
HISTOGRAM_TABLE: Table = {
    **ENVELOPE,
    "count": {"usage.count": 169},
    "sum": {"usage.totalDurationSeconds": 308565},
    **rows(
        "buckets[]",
        "usage.buckets[]",
        {
            "key": {"startsAt": [f"2021-01-{day:02}T16:00:00Z" for day in range(7, 14)]},
            "key_as_string": {"date": [f"2021-01-{day:02}" for day in range(8, 15)]},
            "count": {"stats.count": [32, 9, 1, 28, 38, 61, 0]},
            "sum": {"stats.totalDurationSeconds": [25694, 25240, 43229, 15824, 31495, 167083, 0]},
            "min": {"stats.minDurationSeconds": [29, 25, 43229, 30, 10, 29, None]},
            "max": {"stats.maxDurationSeconds": [3628, 9830, 43229, 3627, 6919, 86876, None]},
            "avg": {
                "stats.averageDurationSeconds": [
                    pytest.approx(802.9375),
                    pytest.approx(2804.4444444444443),
                    43229,
                    pytest.approx(565.1428571428571),
                    pytest.approx(828.8157894736842),
                    pytest.approx(2739.065573770492),
                    None,
                ]
            },
        },
    ),
}

RESOURCES = sample("hexmeet-term_datehistgram_stats")
GAUGE = "{ samples min max average }"
RESOURCES_QUERY = f"""
query ($during: TimeRange!) {{
  mcuResources(filter: {{during: $during, kind: MRU}}) {{
    nodes {{
      name kind
      utilization(during: $during) {{
        days {{ date audioUsed {GAUGE} audioPorts {GAUGE} videoUsed {GAUGE} videoPorts {GAUGE} }}
        peakVideoUsed peakAudioUsed peakRatio vendorVideoUsed
      }}
    }}
    complete
  }}
}}
"""
USED = {"samples": 851, "min": 0, "max": 34, "average": 1.399529964747356}
PORTS = {"samples": 851, "min": 40, "max": 40, "average": 40}


def gauge(documented: str, shown: str, values: Mapping[str, float]) -> Table:
    names = {"count": "samples", "min": "min", "max": "max", "avg": "average"}
    fields = {f"{documented}.{name}": {f"{shown}.{field}": [values[field]]} for name, field in names.items()}
    return {**fields, f"{documented}.sum": Exempt.GAUGE_SUM}


RESOURCES_TABLE: Table = {
    **ENVELOPE,
    **rows(
        "buckets[]",
        "mcuResources.nodes[]",
        {
            "key": {"name": ["haishen mru 192 168 1 68"], "kind": ["MRU"]},
            "key_as_string": Exempt.DISPLAY_COPY,
            "video_used": {"utilization.vendorVideoUsed": [92]},
        },
    ),
    **rows(
        "buckets[].buckets[]",
        "mcuResources.nodes[].utilization.days[]",
        {
            "key": {"date": ["2021-01-08"]},
            "key_as_string": {"date": ["2021-01-08"]},
            **gauge("audio_used", "audioUsed", USED),
            **gauge("audio_ports", "audioPorts", PORTS),
            **gauge("video_used", "videoUsed", USED),
            **gauge("video_ports", "videoPorts", PORTS),
        },
    ),
}

GROUPS = sample("hexmeet-term_stats")
GROUPS_QUERY = """
query ($dimension: UsageDimension!, $during: TimeRange!) {
  usageBy(dimension: $dimension, during: $during) {
    nodes {
      key name room { vendorId name }
      stats { count totalDurationSeconds minDurationSeconds maxDurationSeconds averageDurationSeconds }
    }
    totals { count totalDurationSeconds minDurationSeconds maxDurationSeconds averageDurationSeconds }
    complete
  }
}
"""
STATS: Table = {
    "key_as_string": Exempt.DISPLAY_COPY,
    "count": {"stats.count": [40, 33]},
    "sum": {"stats.totalDurationSeconds": [155145, 95328]},
    "min": {"stats.minDurationSeconds": [21, 25]},
    "max": {"stats.maxDurationSeconds": [86876, 43229]},
    "avg": {"stats.averageDurationSeconds": [3878.625, pytest.approx(2888.7272727272725)]},
}
TOTALS: dict[str, Said] = {
    **ENVELOPE,
    "count": {"usageBy.totals.count": 73},
    "sum": {"usageBy.totals.totalDurationSeconds": 250473},
}
NAMES = ["研发 10 方个人会议室 Olsen", "研发 200 方会议室"]
ROOMS_TABLE: Table = TOTALS | rows(
    "buckets[]",
    "usageBy.nodes[]",
    {
        **STATS,
        "key": {"key": ["154488832", "421818898"], "room.vendorId": ["154488832", "421818898"]},
        "name": {"name": NAMES, "room.name": NAMES},
    },
)

REGIONS = sample("hexmeet-term_region_stats")
REGIONS_QUERY = """
query ($measure: RegionMeasure!) {
  regionCounts(measure: $measure, first: 100) { nodes { region isoCode count measure } totalCount complete }
}
"""
COUNTED = """
上海 SH 3014, 云南 YN 1019, 内蒙古 NM 10000, 北京 BJ 64692, 台湾 TW 1000, 吉林 JL 5000, 四川 SC 1007, 天津 TJ 2155,
宁夏 NX 1000, 安徽 AH 1003, 山东 SD 1000, 山西 SX 1001, 广东 GD 1005, 广西 GX 1000, 新疆 XJ 3000, 江苏 JS 2000,
江西 JX 1000, 河北 HE 5000, 河南 HA 20000, 浙江 ZJ 2000, 海南 HI 1000, 湖北 HB 2000, 湖南 HN 1000, 甘肃 GS 1000,
福建 FJ 1000, 西藏 XZ 1000, 贵州 GZ 1000, 辽宁 LN 1000, 重庆 CQ 1000, 陕西 SN 1000, 青海 QH 1000, 香港 HK 1000,
黑龙江 HL 5000
"""
REGIONS_LISTED = [entry.split() for entry in COUNTED.split(",")]
REGIONS_TABLE: Table = {
    **ENVELOPE,
    "buckets[].key": {
        "regionCounts.nodes[].region": [*(name for name, _, _ in REGIONS_LISTED), None],
        "regionCounts.nodes[].isoCode": [*(f"CN-{code}" for _, code, _ in REGIONS_LISTED), None],
    },
    "buckets[].count": {"regionCounts.nodes[].count": [*(int(count) for _, _, count in REGIONS_LISTED), 25]},
}


async def test_term_conf_stats() -> None:
    async with documenting("hexmeet", {"term_conf_stats": CONFERENCES}, **ONE_PAGE) as client:
        data = await client.data(CONFERENCES_QUERY, during=CONFERENCES_DAY)
    assert faults(CONFERENCES, CONFERENCES_TABLE, data) == []
    assert data["conferences"]["complete"]


async def test_a_conferences_blank_error_info_is_told_where_there_is_one() -> None:
    body = copy.deepcopy(CONFERENCES)
    body["buckets"][0] |= {"error_code": 7, "error_info": "LOST"}
    async with documenting("hexmeet", {"term_conf_stats": body}, **ONE_PAGE) as client:
        data = await client.data(CONFERENCES_QUERY, during=CONFERENCES_DAY)
    (node,) = data["conferences"]["nodes"]
    assert (node["errorCode"], node["errorInfo"]) == (7, "LOST")


async def test_term_call_stats() -> None:
    async with documenting("hexmeet", {"term_call_stats": CALLS}, **ONE_PAGE) as client:
        data = await client.data(CALLS_QUERY, during=CALLS_DAY)
    assert faults(CALLS, CALLS_TABLE, data) == []
    assert data["calls"]["complete"]


@pytest.mark.parametrize("subject", ["CONFERENCES", "CALLS"])
async def test_datehistgram_stats(subject: str) -> None:
    async with documenting("hexmeet", {"datehistgram_stats": HISTOGRAM}) as client:
        data = await client.data(USAGE_QUERY, of=subject)
    assert faults(HISTOGRAM, HISTOGRAM_TABLE, data) == []
    assert data["usage"]["complete"]


async def test_datehistgram_stats_as_section_6_cut_it_is_a_bad_payload() -> None:
    """Without its buckets and its sum it tells no usage, and zeros in their place would be invented."""
    async with documenting("hexmeet", {"datehistgram_stats": TRUNCATED}) as client:
        data = await client.data(USAGE_QUERY, of="CONFERENCES")
    assert not data["usage"]["complete"]
    (source,) = data["usage"]["sources"]
    assert (source["status"], source["error"]["code"]) == ("FAILED", "BAD_PAYLOAD")
    assert "datehistgram_stats" in source["error"]["message"]
    assert "expected the field sum, found none" in source["error"]["message"]


async def test_datehistgram_stats_as_section_6_cut_it_still_counts() -> None:
    """Its `count` is how many conferences a range has in all, whatever else the body has."""
    table = ENVELOPE | {"count": {"conferences.totalCount": 1184, "conferences.sources[].totalCount": [1184]}}
    query = """query ($during: TimeRange!) {
      conferences(filter: {during: $during}, first: 0) { totalCount sources { totalCount } complete }
    }"""
    bodies = {"term_conf_stats": CONFERENCES, "datehistgram_stats": TRUNCATED}
    async with documenting("hexmeet", bodies, **ONE_PAGE) as client:
        data = await client.data(query, during=CONFERENCES_DAY)
    assert faults(TRUNCATED, table, data) == []
    assert data["conferences"]["complete"]


async def test_term_datehistgram_stats() -> None:
    during = {"from": "2021-01-08T00:00:00+08:00", "to": "2021-01-09T00:00:00+08:00"}
    async with documenting("hexmeet", {"term_datehistgram_stats": RESOURCES}) as client:
        data = await client.data(RESOURCES_QUERY, during=during)
    assert faults(RESOURCES, RESOURCES_TABLE, data) == []
    (resource,) = data["mcuResources"]["nodes"]
    utilization = resource["utilization"]
    assert (utilization["peakVideoUsed"], utilization["peakAudioUsed"], utilization["peakRatio"]) == (34, 34, 0.85)


async def test_audio_and_video_are_told_apart() -> None:
    """The documented numbers are the same for both."""
    body = copy.deepcopy(RESOURCES)
    other = {"count": 850, "min": 2, "max": 20, "avg": 3.5}
    body["buckets"][0]["buckets"][0] |= {"audio_used": other, "audio_ports": {**other, "max": 30}}
    async with documenting("hexmeet", {"term_datehistgram_stats": body}) as client:
        data = await client.data(RESOURCES_QUERY, during=CONFERENCES_DAY)
    utilization = data["mcuResources"]["nodes"][0]["utilization"]
    shown = {"samples": 850, "min": 2, "max": 20, "average": 3.5}
    (day,) = utilization["days"]
    assert (day["audioUsed"], day["audioPorts"]) == (shown, {**shown, "max": 30})
    assert (day["videoUsed"], day["videoPorts"]) == (USED, PORTS)
    assert (utilization["peakAudioUsed"], utilization["peakVideoUsed"]) == (20, 34)


async def test_term_stats_of_rooms() -> None:
    async with documenting("hexmeet", {"term_stats:conf": GROUPS}) as client:
        data = await client.data(GROUPS_QUERY, dimension="ROOM", during=CONFERENCES_DAY)
        listed = await client.data(
            "query ($during: TimeRange!) { rooms(filter: {during: $during}) { nodes { name vendorId } totalCount } }",
            during=CONFERENCES_DAY,
        )
    assert faults(GROUPS, ROOMS_TABLE, data) == []
    totals = data["usageBy"]["totals"]
    assert (totals["minDurationSeconds"], totals["maxDurationSeconds"]) == (21, 86876)
    assert totals["averageDurationSeconds"] == pytest.approx(250473 / 73)
    assert listed["rooms"]["totalCount"] == 2
    assert [tuple(room.values()) for room in listed["rooms"]["nodes"]] == [
        (NAMES[0], "154488832"),
        (NAMES[1], "421818898"),
    ]


@pytest.mark.parametrize(
    ("dimension", "target", "keys"),
    [
        ("COMPANY", "company", [31314944, 31314945]),
        ("CAPACITY", "capacity", [10, 200]),
        ("DEVICE_MODEL", "device_model", ["VE 10", "VE 20"]),
    ],
)
async def test_term_stats_of_what_has_no_name(dimension: str, target: str, keys: list[object]) -> None:
    """The documents show rooms only; other targets answer the same with other keys and no names."""
    body = copy.deepcopy(GROUPS)
    for bucket, key in zip(body["buckets"], keys, strict=True):
        del bucket["name"]
        bucket["key"] = key
    named = {"key": [str(key) for key in keys], "name": [None, None], "room": [None, None]}
    table = TOTALS | rows("buckets[]", "usageBy.nodes[]", {**STATS, "key": named})
    async with documenting("hexmeet", {f"term_stats:{target}": body}) as client:
        data = await client.data(GROUPS_QUERY, dimension=dimension, during=CONFERENCES_DAY)
    assert faults(body, table, data) == []


@pytest.mark.parametrize("measure", ["ONGOING_CALLS", "ISSUED_CALLS", "ONGOING_REGISTRATIONS"])
async def test_term_region_stats(measure: str) -> None:
    async with documenting("hexmeet", {"term_region_stats": REGIONS}) as client:
        data = await client.data(REGIONS_QUERY, measure=measure)
        live = await client.data("{ live { conferenceCount memberCount } }")
    assert faults(REGIONS, REGIONS_TABLE, data) == []
    assert {row["measure"] for row in data["regionCounts"]["nodes"]} == {measure}
    assert data["regionCounts"]["totalCount"] == 34
    assert live["live"] == {"conferenceCount": None, "memberCount": 144921}
