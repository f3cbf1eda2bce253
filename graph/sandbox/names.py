"""The words that made-up people, rooms and conferences are put together from."""

SURNAMES = ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "马", "欧阳")
GIVEN_NAMES = (
    *("测", "试安", "小样", "示例", "晓沙", "一盒", "云模", "子虚", "乌有", "无名"),
    *("甲乙", "丙丁", "某某", "春假", "秋拟", "山造", "海仿"),
)
FIRST_NAMES = ("Ada", "Bea", "Carl", "Dora", "Emil", "Finn", "Greta", "Hugo", "Iris", "Jonas", "Zoë")
LAST_NAMES = ("Example", "Placeholder", "Sample", "Sandbox", "Testworth", "Mockford", "O'Fake")

PROVINCES = (
    *("北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江"),
    *("安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆"),
    *("四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆", "台湾", "香港"),
)

AGENT = "沙盒代理商 Sandbox Agent"
COMPANIES = ("示例科技有限公司", "Placeholder Trading 公司", "样本教育集团")
DEPARTMENTS = ("研发北京", "研发上海", "市场部", "销售部", "人力资源部", "财务部", "客户服务", "Quality & Testing")

TITLES = (
    *("周例会", "项目评审", "产品需求讨论", "技术分享", "客户回访", "新员工培训", "预算会议", "应急演练"),
    *("Weekly sync", "Design review", "Sprint planning", "Q&A with support", "All hands", "1:1"),
)

CAPACITIES = (10, 10, 20, 20, 50, 50, 100, 200)

MCUS = (("mru-bj-1", "MRU", 40), ("mru-bj-2", "MRU", 80), ("mru-sh-1", "MRU", 120), ("gw-bj-1", "GATEWAY", 30))

# Kind of client: device models, and the product with its version.
CLIENTS: dict[str, tuple[tuple[str, ...], str]] = {
    "TV": (("VE 10", "VE 20", "AE 800"), "HexMeet VE 2.0.31"),
    "IOS": (("iPhone 12", "iPad Air"), "HexMeet EasyVideo iOS SVC 1.4.150"),
    "ANDROID": (("Mate 40", "Redmi Note 9"), "HexMeet EasyVideo Android SVC 1.4.146"),
    "WINDOWS": (("PC",), "HexMeet EasyVideo Windows SVC 1.4.148"),
    "MAC": (("MacBook Pro",), "HexMeet EasyVideo Mac SVC 1.4.148"),
    "WEB": (("Chrome",), "HexMeet Web 1.3.2"),
    "SIP": (("Group 500", "RealPresence"), "SIP 2.0"),
    "LINUX": (("Kylin V10",), "HexMeet EasyVideo Linux SVC 1.2.9"),
    "PHONE": (("PSTN",), ""),
    "AGENT": (("Agent desk",), "Agent Desktop 8.14"),
}

_COMPUTERS = (*("WINDOWS",) * 6, *("IOS", "ANDROID") * 3, *("MAC", "WEB", "TV") * 2, "SIP", "LINUX")
CLIENTS_OF = {
    "hexmeet": _COMPUTERS,
    "netease": _COMPUTERS,
    "systec": _COMPUTERS,
    "quanshi": (*_COMPUTERS, *("PHONE",) * 4),
    "huawei": (*("PHONE",) * 3, *("AGENT",) * 2),
}
