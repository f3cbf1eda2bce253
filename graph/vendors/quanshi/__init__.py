"""Quanshi (全时): the list of conferences that are going on."""

from graph.vendors.base import VendorSpec
from graph.vendors.quanshi.adapter import QuanshiAdapter, QuanshiFields, QuanshiSettings
from graph.vendors.quanshi.emulator import create_emulator, emulator_settings
from graph.vendors.quanshi.fields import QuanshiConferenceFields

SPEC = VendorSpec(
    name="quanshi",
    settings=QuanshiSettings,
    create_adapter=QuanshiAdapter,
    conference_fields=QuanshiConferenceFields,
    conference_record=QuanshiFields,
    create_emulator=create_emulator,
    emulator_settings=emulator_settings,
)
