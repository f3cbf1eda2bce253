"""What an adapter's verbs cost in requests to its vendor: what a query is priced by, before anything is sent."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    """What asking for some things together costs: `once`, and `each` for every `batch` of them."""

    once: int = 0
    each: int = 0
    batch: int = 1

    def of(self, things: int) -> int:
        """The requests for so many things; none for none."""
        return self.once + self.each * -(-things // self.batch) if things else 0


FREE = Weight()


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the verbs of an adapter cost in requests while its vendor is well; what is not named costs nothing.

    They are bounds where there are any. How far a search goes and how many pages a list of unknown length has are
    what a large account needs. Pages of lists read by range are not here: they cost one request each, as many as
    `server.page_budget` allows.

    Attributes:
        plan: `count_per_day`, before a list by range is read.
        count: `count_conferences` and `count_calls`.
        live: `list_live` and `read_live`.
        conferences: `get_conferences`, of any ids.
        conferences_met: The same, of those whose calls or members were just read.
        calls: `get_calls`.
        members_of: `read_members`, where they did not come with their conferences.
        calls_of: `read_calls`, where they did not come with their conferences.
        rooms: `get_rooms`.
        room_ids: `get_rooms`, to fill in the `vendor_id` that rooms of conferences lack.
        capacities: `get_room_capacities`.
        mcu_resources: `get_mcu_resources`.
        room_list: `list_rooms`.
        mcu_list: `list_mcu_reports`, of one kind.
        regions: `list_regions`.
        usage: `read_usage`, of so many days.
        usage_by: `read_usage_by`.
    """

    plan: int = 0
    count: int = 0
    live: int = 0
    conferences: Weight = FREE
    conferences_met: Weight = FREE
    calls: Weight = FREE
    members_of: Weight = FREE
    calls_of: Weight = FREE
    rooms: Weight = FREE
    room_ids: Weight = FREE
    capacities: Weight = FREE
    mcu_resources: Weight = FREE
    room_list: int = 0
    mcu_list: int = 0
    regions: int = 0
    usage: Weight = FREE
    usage_by: int = 0
