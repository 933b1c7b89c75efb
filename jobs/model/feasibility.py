"""Whether a model is worth training: events, how wide its AUROC's interval would be, how its codes are covered by year.

Everything is as it may be published together; what was told on another day is not known here. Reads a feature table and
events as pandas; asks for no session and no store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import permutations

import pandas as pd

from jobs.disclosure import few
from jobs.model.intervals import NORMAL
from jobs.release import Sum, release
from workflows.concept_sets import covers, in_days
from workflows.covariates import CodeRow

ASSUMED = (0.6, 0.7, 0.8)


def standard_error(auroc: float, events: int, others: int) -> float:
    """The standard error of an AUROC by Hanley and McNeil 1982, Radiology 143:29, formula 1, with the numbers of events
    and others each replaced by their mean, as Newcombe 2006, Statistics in Medicine 25:559, method 4.

    Theirs is for exponential scores: for normal ones a quarter too wide where events are few, as much too narrow where
    they are most. NaN where there are no events or nothing else.
    """
    if not events or not others:
        return float("nan")
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = auroc * (1 - auroc) + ((events + others) / 2 - 1) * (q1 + q2 - 2 * auroc**2)
    return math.sqrt(spread / (events * others))


@dataclass(frozen=True)
class Width:
    """The 95 % interval of an AUROC of `auroc`, if it is measured on these many events."""

    auroc: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcome:
    """Rows and persons of a feature table by outcome; None where a count is not published.

    known: rows whose outcome is known. persons: of those rows; persons_with: who have an event among them. widths: on
    the test side of these persons, as if each row were somebody else's; none where the events are not published.
    by_person: the same as if all rows of a person were one, none where persons are not published. The rows of one
    person are alike in part, and the interval of an evaluation, which resamples persons, lies between the two.
    """

    known: int | None
    events: int | None
    persons: int | None
    persons_with: int | None
    widths: tuple[Width, ...]
    by_person: tuple[Width, ...] = ()


def expected(auroc: float, events: int, others: int) -> Width:
    """The interval, cut off at 0 and 1."""
    half = NORMAL * standard_error(auroc, events, others)
    return Width(auroc, max(0.0, auroc - half), min(1.0, auroc + half))


NOTHING = Outcome(None, None, None, None, ())


def outcome(features: pd.DataFrame, test_share: float) -> Outcome:
    """What a feature table's rows say about the outcome, beside an attrition that shows how many rows there are.

    Rows tell of persons, and all of these of each other: none is shown without all, but for persons of whom few return.
    """
    known = features[features["outcome_known"].astype(bool)]
    event = known["outcome"].astype("int64") == 1
    everyone, persons = features["person_id"].nunique(), known["person_id"].nunique()
    with_event = known.loc[event, "person_id"].nunique()
    cells = {
        "rows": len(features), "known": len(known), "waiting": len(features) - len(known),
        "events": int(event.sum()), "others": int((~event).sum()),
        "everyone": everyone, "persons": persons, "never": everyone - persons, "with": with_event,
        "without": persons - with_event,
    }  # fmt: skip
    sums = [
        Sum("rows", ("known", "waiting")), Sum("known", ("events", "others")),
        Sum("everyone", ("persons", "never")), Sum("persons", ("with", "without")),
    ]  # fmt: skip
    found = release(cells, sums, unpublished=["waiting", "never"])
    if any(count is None for name, count in found.items() if name not in ("waiting", "never")):
        return NOTHING
    # Rows beyond the first of each person tell of who returns.
    again = (len(known) - persons, int(event.sum()) - with_event, cells["waiting"] - cells["never"])
    widths = on_test_side(cells["events"], cells["others"], test_share)
    if few(*again):
        return Outcome(cells["known"], cells["events"], None, None, widths)
    # Of published counts alone: who has rows without the event is not one, and is taken for everyone.
    by_person = on_test_side(with_event, min(persons, cells["others"]), test_share)
    return Outcome(cells["known"], cells["events"], persons, with_event, widths, by_person)


def on_test_side(events: int, others: int, test_share: float) -> tuple[Width, ...]:
    """The intervals of the assumed AUROCs, if these many are on both sides; none where there would be nobody."""
    ours, theirs = round(events * test_share), round(others * test_share)
    return tuple(expected(auroc, ours, theirs) for auroc in ASSUMED) if ours and theirs else ()


@dataclass(frozen=True)
class Coverage:
    """Persons with an event of a concept set in a year, and with any event in it; None where it is not published."""

    concept_set_name: str
    year: int
    persons: int | None
    of: int | None


def coverage(events: pd.DataFrame, codes: Iterable[CodeRow]) -> list[Coverage]:
    """Coverage of concept sets by calendar year, in every year that has an event.

    events: person_id, event_start_datetime, vocabulary_id, concept_code, known_to; of what was closed nothing is
    counted, nor of what starts after today: it is planned or mistyped. codes: those of the concept sets.
    """
    starts = events["event_start_datetime"]
    begun = starts < pd.Timestamp(date.today() + timedelta(days=1), tz=starts.dt.tz)
    dated = events[begun & events["known_to"].isna()]
    years = dated["event_start_datetime"].dt.year
    everyone = dated.groupby(years)["person_id"].nunique()
    if everyone.empty:
        return []
    sets, counts = by_set(codes), {}
    for name, some in sets.items():
        here = dated[held(dated, some)]
        counts[name] = here.groupby(years[here.index])["person_id"].nunique()
    parts = [(inner, outer) for inner, outer in permutations(sets, 2) if lies_in(sets[inner], sets[outer])]
    found = []
    for year, whole in sorted((int(year), int(persons)) for year, persons in everyone.items()):
        found += of_year(year, whole, {name: int(some.get(year, 0)) for name, some in counts.items()}, parts)
    return sorted(found, key=lambda one: (one.concept_set_name, one.year))


def of_year(year: int, whole: int, counts: Mapping[str, int], parts: Iterable[tuple[str, str]]) -> list[Coverage]:
    """One year's persons with a code of each set, as they may be shown beside each other and beside all of the year.

    parts: sets of which the first lies within the second, so that the difference is who has a code of the second only.
    """
    cells, sums, between = {"all": whole}, [], []
    for name, count in counts.items():
        cells |= {f"with {name}": count, f"without {name}": whole - count}
        sums.append(Sum("all", (f"with {name}", f"without {name}")))
    for inner, outer in parts:
        between.append(f"{outer} without {inner}")
        cells[between[-1]] = counts[outer] - counts[inner]
        sums.append(Sum(f"with {outer}", (f"with {inner}", between[-1])))
    # The year's persons stand beside every set: they are hidden only where they are few, and then all else is.
    shown = release(cells, sums, unpublished=between, elsewhere=["all"])
    every = shown["all"]
    return [
        Coverage(
            name, year, None if every is None or shown[f"without {name}"] is None else shown[f"with {name}"], every
        )
        for name in counts
    ]


def lies_in(inner: Iterable[CodeRow], outer: Sequence[CodeRow]) -> bool:
    """Whether every event of one concept set is also of another, by their codes and the days of these."""
    return all(any(row[2] == one[2] and covers(one[3], row[3]) and spans(one, row) for one in outer) for row in inner)


def spans(outer: CodeRow, inner: CodeRow) -> bool:
    """Whether a code is in use on all days on which another is."""
    (first, last), (begin, end) = outer[4:], inner[4:]
    from_start = first is None or (begin is not None and first <= begin)
    return from_start and (last is None or (end is not None and end <= last))


def by_set(codes: Iterable[CodeRow]) -> dict[str, list[CodeRow]]:
    """The codes of each set, sorted by its name."""
    found: dict[str, list[CodeRow]] = {}
    for row in codes:
        found.setdefault(".".join(part for part in row[:2] if part), []).append(row)
    return dict(sorted(found.items()))


def held(events: pd.DataFrame, some: Iterable[CodeRow]) -> pd.Series:
    """Whether each event belongs to a concept set; every code that occurs is looked up once."""
    found, day = pd.Series(False, index=events.index), events["event_start_datetime"].dt.date
    for (vocabulary, code), rows in events.groupby(["vocabulary_id", "concept_code"]).groups.items():
        for _, _, its, above, first, last in some:
            if its == vocabulary and covers(above, str(code)):
                found[rows] |= day[rows].map(lambda one, a=first, b=last: in_days(one, a, b))
    return found
