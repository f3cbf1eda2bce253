"""What may be used at a vendor at once, or per second, counted for all who share the account.

One process counts for itself (`LocalQuotas`); replicas that share a cache count there (`cache.quotas.SharedQuotas`).
"""

from typing import Protocol


class Quotas(Protocol):
    """Counts, by name. A name holds the source and its account, never a credential.

    Nothing here ever fails: whoever cannot count with the others counts cautiously for itself.
    """

    async def take(self, name: str, per_second: float, patience_s: float) -> float:
        """Take the next turn of so many per second, of which those of one second may come at once.

        Turns go to who came first. One that is not used is lost.

        Args:
            name: Of what is counted.
            per_second: More than 0.
            patience_s: How long the caller can wait for its turn; less than 0 takes none, and tells how long it
                would be.

        Returns:
            How many seconds to wait for the turn taken; more than `patience_s` where none was taken, as it would
            come too late.
        """

    async def give_back(self, name: str, per_second: float) -> None:
        """Give back a turn of so many per second: who took it knows by now that it is not needed."""

    async def occupy(self, name: str, limit: int, token: str, hold_s: float) -> float:
        """Take one of so many places for a while.

        Args:
            name: Of the places.
            limit: How many there are, at least 1.
            token: Whose place it is: text that nobody else has.
            hold_s: After so long it is free again, whatever became of who took it.

        Returns:
            0 where a place was taken, else how many seconds to wait until one may be free.
        """

    async def keep(self, name: str, token: str, hold_s: float) -> None:
        """Hold a place for that long from now, longer or shorter than before."""

    async def vacate(self, name: str, token: str) -> None:
        """Give a place back before its time."""
