"""The garbage collector of a process that serves leaves alone what was loaded, and is not called for every page."""

import subprocess
import sys

SPARED = """
import gc
from graph.server.collector import spare_collector
loaded = [[] for _ in range(1000)]
spare_collector()
assert gc.get_freeze_count() > 1000
assert not any(it is loaded for it in gc.get_objects())
before = gc.get_stats()[0]["collections"]
page = [{"row": number} for number in range(3_000)]
assert gc.get_stats()[0]["collections"] == before
more = [[] for _ in range(20_000)]
assert gc.get_stats()[0]["collections"] > before
"""


def test_what_was_loaded_is_not_looked_at_again_nor_every_page() -> None:
    subprocess.run([sys.executable, "-c", SPARED], check=True, timeout=60)  # noqa: S603 - our own program
