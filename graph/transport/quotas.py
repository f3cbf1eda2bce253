"""What may be used at a vendor at once, or per second, counted for all who share the account.

One process counts for itself (`LocalQuotas`); replicas that share a cache count there.
"""

from typing import Protocol


class Quotas(Protocol):
    """Counts, by name. A name holds the source and its account, never a credential."""

    async def take(self, name: str, per_second: float) -> float:
        """Take one of so many per second, of which those of one second may come at once.

        Returns:
            0 where it was taken, else how many seconds to wait before asking again.
        """

    async def occupy(self, name: str, limit: int, token: str, hold_s: float) -> float:
        """Take one of so many places for a while, or keep the one that the token has for that long from now.

        Returns:
            0 where the place is taken, else how many seconds to wait before asking again.
        """

    async def vacate(self, name: str, token: str) -> None:
        """Give a place back before its time."""
