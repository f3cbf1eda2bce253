"""Words of term_region_stats: what is asked, and the provinces it answers with."""

from graph.records import RegionMeasure

# The vendor's own spelling, twice in its tables; its prose once writes "ongoing".
TARGETS = {
    RegionMeasure.ONGOING_CALLS: "onging_calls",
    RegionMeasure.ISSUED_CALLS: "issued_calls",
    RegionMeasure.ONGOING_REGISTRATIONS: "onging_regs",
}

UNKNOWN_PLACE = "0"

ISO_CODES = {
    "安徽": "CN-AH",
    "北京": "CN-BJ",
    "重庆": "CN-CQ",
    "福建": "CN-FJ",
    "广东": "CN-GD",
    "甘肃": "CN-GS",
    "广西": "CN-GX",
    "贵州": "CN-GZ",
    "河南": "CN-HA",
    "湖北": "CN-HB",
    "河北": "CN-HE",
    "海南": "CN-HI",
    "香港": "CN-HK",
    "黑龙江": "CN-HL",
    "湖南": "CN-HN",
    "吉林": "CN-JL",
    "江苏": "CN-JS",
    "江西": "CN-JX",
    "辽宁": "CN-LN",
    "澳门": "CN-MO",
    "内蒙古": "CN-NM",
    "宁夏": "CN-NX",
    "青海": "CN-QH",
    "四川": "CN-SC",
    "山东": "CN-SD",
    "上海": "CN-SH",
    "陕西": "CN-SN",
    "山西": "CN-SX",
    "天津": "CN-TJ",
    "台湾": "CN-TW",
    "新疆": "CN-XJ",
    "西藏": "CN-XZ",
    "云南": "CN-YN",
    "浙江": "CN-ZJ",
}
