"""Quanshi (全时): the list of conferences in progress."""

from graph.vendors.base import VendorSpec, late
from graph.vendors.quanshi.adapter import QuanshiAdapter, QuanshiFields, QuanshiSettings
from graph.vendors.quanshi.fields import QuanshiConferenceFields

SPEC = VendorSpec(
    name="quanshi",
    settings=QuanshiSettings,
    create_adapter=QuanshiAdapter,
    conference_fields=QuanshiConferenceFields,
    conference_record=QuanshiFields,
    create_emulator=late("graph.vendors.quanshi.emulator", "create_emulator"),
    emulator_settings=late("graph.vendors.quanshi.emulator", "emulator_settings"),
)
