"""The garbage collector of a process that serves."""

import gc

# Before they are looked at for garbage: a page of a thousand rows, some megabytes.
YOUNG_OBJECTS = 10_000


def spare_collector() -> None:
    """Have the collector look at less, and not as often: large answers are many objects, and few of them are in cycles.

    What was loaded up to now stays for good. As measured, the collector took a tenth of the time of a large page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
