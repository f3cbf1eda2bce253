"""The log of the process: one JSON object per line on stderr."""

from typing import cast

import structlog

log = cast("structlog.stdlib.BoundLogger", structlog.get_logger("confgraph"))
