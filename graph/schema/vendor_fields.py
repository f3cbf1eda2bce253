"""What only one vendor reports: unions of the types that each vendor brings in its own `fields.py`."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.records import Record
from graph.vendors import VENDORS

if TYPE_CHECKING:
    ConferenceVendorFields = Record
    MemberVendorFields = Record
else:
    _conference_types = [spec.conference_fields for spec in VENDORS.values()]
    _member_types = [spec.member_fields for spec in VENDORS.values() if spec.member_fields is not None]

    ConferenceVendorFields = Annotated[
        reduce(or_, _conference_types),
        strawberry.union("ConferenceVendorFields", description="What only one vendor reports of a conference."),
    ]
    MemberVendorFields = Annotated[
        reduce(or_, _member_types),
        strawberry.union("MemberVendorFields", description="What only one vendor reports of a member."),
    ]
