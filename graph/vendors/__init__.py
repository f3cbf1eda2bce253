"""The supported vendors: one import and one entry each."""

from graph.vendors import hexmeet, huawei, netease, quanshi, systec
from graph.vendors.base import VendorSpec

VENDORS: dict[str, VendorSpec] = {
    spec.name: spec for spec in (hexmeet.SPEC, netease.SPEC, systec.SPEC, quanshi.SPEC, huawei.SPEC)
}
