"""What all tables of the configuration have in common."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables: unknown keys are refused."""

    def faults(self) -> list[str]:
        """What no type can say: one `key: fault` each."""
        return []
