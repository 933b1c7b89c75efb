"""When a signal starts a retraining, and what is said where it starts none."""

from __future__ import annotations

import pytest

from jobs.model.retraining import Made, retraining

CHAMPION = Made(version=1, champion=True, passed=True)
CANDIDATE = Made(version=2, champion=False, passed=True)
REFUSED = Made(version=2, champion=False, passed=False)
DRIFT = "calibration drift"


@pytest.mark.clause("O9")
@pytest.mark.parametrize(
    ("signal", "newest", "events", "start", "why"),
    [
        ("", CHAMPION, 500, False, "no signal"),
        ("", CANDIDATE, 0, False, "no signal"),
        (DRIFT, CHAMPION, 100, True, "at least 100 events have matured that version 1 was not made with"),
        (DRIFT, CHAMPION, 99, False, "version 1 is the newest: fewer than 100"),
        # The next day, with the same rows.
        (DRIFT, CANDIDATE, 0, False, "retrained already: version 2 waits for promotion; fewer than 100"),
        (DRIFT, REFUSED, 0, False, "retrained already: version 2 did not pass its gates; fewer than 100"),
        (DRIFT, CANDIDATE, 99, False, "retrained already: version 2 waits for promotion"),
        (DRIFT, CANDIDATE, 100, True, "version 2 was not made with"),
        (DRIFT, REFUSED, 100, True, "version 2 was not made with"),
    ],
)
def test_a_signal_retrains_only_with_enough_events_that_the_newest_version_was_not_made_with(
    signal: str, newest: Made, events: int, start: bool, why: str
) -> None:
    found, said = retraining(signal, newest, events, 100)
    assert found is start
    assert why in said
