"""Huawei AICC CC-Gateway: conferences by id, with the people in them, while they go on."""

from graph.vendors.base import VendorSpec
from graph.vendors.huawei.adapter import HuaweiAdapter, HuaweiSettings
from graph.vendors.huawei.emulator import create_emulator, emulator_settings
from graph.vendors.huawei.fields import HuaweiConferenceFields, HuaweiMemberFields
from graph.vendors.huawei.mapping import HuaweiFields, HuaweiMember

SPEC = VendorSpec(
    name="huawei",
    settings=HuaweiSettings,
    create_adapter=HuaweiAdapter,
    conference_fields=HuaweiConferenceFields,
    conference_record=HuaweiFields,
    create_emulator=create_emulator,
    emulator_settings=emulator_settings,
    member_fields=HuaweiMemberFields,
    member_record=HuaweiMember,
)
