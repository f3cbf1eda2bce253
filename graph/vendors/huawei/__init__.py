"""Huawei AICC CC-Gateway: conferences in progress by id, with the people in them."""

from graph.vendors.base import VendorSpec, late
from graph.vendors.huawei.adapter import HuaweiAdapter, HuaweiSettings
from graph.vendors.huawei.fields import HuaweiConferenceFields, HuaweiMemberFields
from graph.vendors.huawei.mapping import HuaweiFields, HuaweiMember

SPEC = VendorSpec(
    name="huawei",
    settings=HuaweiSettings,
    create_adapter=HuaweiAdapter,
    conference_fields=HuaweiConferenceFields,
    conference_record=HuaweiFields,
    create_emulator=late("graph.vendors.huawei.emulator", "create_emulator"),
    emulator_settings=late("graph.vendors.huawei.emulator", "emulator_settings"),
    member_fields=HuaweiMemberFields,
    member_record=HuaweiMember,
)
