"""SYSTEC Umeeting: ended meetings of shared rooms, with participants and telephone legs."""

from graph.vendors.base import VendorSpec, late
from graph.vendors.systec.adapter import SystecAdapter, SystecSettings
from graph.vendors.systec.fields import SystecConferenceFields
from graph.vendors.systec.mapping import SystecFields

SPEC = VendorSpec(
    name="systec",
    settings=SystecSettings,
    create_adapter=SystecAdapter,
    conference_fields=SystecConferenceFields,
    conference_record=SystecFields,
    create_emulator=late("graph.vendors.systec.emulator", "create_emulator"),
    emulator_settings=late("graph.vendors.systec.emulator", "emulator_settings"),
)
