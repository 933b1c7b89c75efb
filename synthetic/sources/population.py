"""Persons, visits and events as arrays: what every shape is written from. A seed and a size give the same arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FIRST = np.datetime64("2019-01-01")
EXTRACTED = np.datetime64("2024-06-30")
OBSERVED_DAYS = 1_826  # 2019-01-01 to 2023-12-31
EVENTS_EACH, VISITS_EACH = 50, 10
Table = dict[str, pa.Array]


@dataclass(frozen=True, kw_only=True)
class Population:
    """Arrays over persons, over visits and over events. Days count from the first day of the data.

    visit_person, event_visit: positions. The last tenth of the visits has no events.
    """

    rng: np.random.Generator
    birth_day: np.ndarray
    female: np.ndarray
    first_day: np.ndarray
    last_day: np.ndarray
    visit_person: np.ndarray
    visit_start: np.ndarray
    visit_end: np.ndarray
    inpatient: np.ndarray
    event_visit: np.ndarray
    event_day: np.ndarray

    @property
    def persons(self) -> int:
        """How many persons."""
        return len(self.birth_day)

    @property
    def visits(self) -> int:
        """How many visits."""
        return len(self.visit_start)

    def share(self, shares: dict[str, float]) -> dict[str, np.ndarray]:
        """The positions of all events dealt out to tables by their shares, each table in order of its visits."""
        bounds = np.cumsum([0.0, *shares.values()]) / sum(shares.values()) * len(self.event_visit)
        edges = bounds.round().astype(int)
        return {
            name: start + np.argsort(self.event_visit[start:end], kind="stable")
            for name, start, end in zip(shares, edges[:-1], edges[1:], strict=True)
        }


def population(events: int, seed: int) -> Population:
    """So many events, with a fiftieth as many persons and a fifth as many visits."""
    if events < 1_000:
        raise ValueError(f"events = {events} is not valid; valid: 1,000 or more")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(events,)))
    persons, visits = events // EVENTS_EACH, events // EVENTS_EACH * VISITS_EACH
    first = rng.integers(0, 300, persons)
    last = OBSERVED_DAYS - 1 - rng.integers(0, 300, persons)
    whose = np.sort(rng.integers(0, persons, visits))
    inpatient = rng.random(visits) < 0.25
    length = np.where(inpatient, rng.integers(1, 15, visits), 0)
    start = first[whose] + (rng.random(visits) * (last[whose] - first[whose] - length)).astype(np.int64)
    of = np.sort(rng.integers(0, visits - visits // 10, events))
    # Dealt out to tables by position: shuffled, so that every table sees every person.
    of = rng.permutation(of)
    day = start[of] + (rng.random(events) * (length[of] + 1)).astype(np.int64)
    return Population(
        rng=rng, birth_day=-rng.integers(18 * 366, 90 * 365, persons), female=rng.random(persons) < 0.5,
        first_day=first, last_day=last, visit_person=whose, visit_start=start, visit_end=start + length,
        inpatient=inpatient, event_visit=of, event_day=day,
    )  # fmt: skip


def dates(days: np.ndarray) -> pa.Array:
    """Days since the first day of the data as dates."""
    return pa.array(FIRST + days.astype("timedelta64[D]"))


def times(days: np.ndarray, hours: np.ndarray) -> pa.Array:
    """Days and hours as times to the second."""
    return pa.array((FIRST + days.astype("timedelta64[D]")).astype("datetime64[s]") + hours.astype("timedelta64[h]"))


def chosen(rng: np.random.Generator, pool: list[str], size: int) -> pa.Array:
    """Texts drawn from a pool; the first is the most frequent."""
    place = np.minimum(rng.integers(0, len(pool), size), rng.integers(0, len(pool), size))
    return pa.array(pool).take(pa.array(place))


def labels(prefix: str | pa.Array, numbers: np.ndarray) -> pa.Array:
    """A prefix, the same or each its own, with a number behind it."""
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def ids(size: int, first: int = 1) -> pa.Array:
    """Ids one after another."""
    return pa.array(np.arange(first, first + size))


def empty(size: int, kind: pa.DataType) -> pa.Array:
    """A column without values."""
    return pa.nulls(size, kind)
