"""NetEase Meeting: statistics of an application's meetings."""

from graph.vendors.base import VendorSpec, late
from graph.vendors.netease.adapter import NeteaseAdapter, NeteaseSettings
from graph.vendors.netease.fields import NeteaseConferenceFields, NeteaseMemberFields
from graph.vendors.netease.mapping import NeteaseFields, NeteaseMember

SPEC = VendorSpec(
    name="netease",
    settings=NeteaseSettings,
    create_adapter=NeteaseAdapter,
    conference_fields=NeteaseConferenceFields,
    conference_record=NeteaseFields,
    member_fields=NeteaseMemberFields,
    member_record=NeteaseMember,
    create_emulator=late("graph.vendors.netease.emulator", "create_emulator"),
    emulator_settings=late("graph.vendors.netease.emulator", "emulator_settings"),
)
