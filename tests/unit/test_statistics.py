"""The durations of several sets as those of one."""

from graph.statistics import NOTHING, UsageStats, merge_stats

# A meeting whose length is not known counts, and is in no average.
ONE = UsageStats(3, 200, 80, 120, 100.0)
OTHER = UsageStats(1, 40, 40, 40, 40.0)


def test_sets_are_added() -> None:
    assert merge_stats([ONE, OTHER, NOTHING]) == UsageStats(4, 240, 40, 120, 60.0)


def test_what_one_set_does_not_tell_nobody_knows() -> None:
    assert merge_stats([ONE, UsageStats(1, 40)]) == UsageStats(4, 240, None, None, 60.0)


def test_one_set_alone_stays_as_it_was_told() -> None:
    assert merge_stats([NOTHING, ONE]) == ONE


def test_nothing_is_no_average() -> None:
    assert merge_stats([NOTHING, NOTHING]) == merge_stats([]) == NOTHING
