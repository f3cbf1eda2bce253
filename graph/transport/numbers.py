"""Whole numbers as large as the schema can serve them: what is beyond is refused with its JSON path.

GraphQL's Int has 32 bits; BigInt is read by clients whose numbers are exact up to 2**53.
"""

from typing import Annotated

import msgspec

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int53 = Annotated[int, msgspec.Meta(ge=-(2**53 - 1), le=2**53 - 1)]
