"""HexMeet: conference and call history by scroll, statistics, media resources, regions."""

from graph.vendors.base import VendorSpec, late
from graph.vendors.hexmeet.adapter import HexmeetAdapter, HexmeetFields
from graph.vendors.hexmeet.fields import HexmeetConferenceFields
from graph.vendors.hexmeet.reports import HexmeetSettings

SPEC = VendorSpec(
    name="hexmeet",
    settings=HexmeetSettings,
    create_adapter=HexmeetAdapter,
    conference_fields=HexmeetConferenceFields,
    conference_record=HexmeetFields,
    create_emulator=late("graph.vendors.hexmeet.emulator", "create_emulator"),
    emulator_settings=late("graph.vendors.hexmeet.emulator", "emulator_settings"),
)
