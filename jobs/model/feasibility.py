"""Whether a model is worth training: events, how wide its AUROC's interval would be, how its codes are covered by year.

Everything is as it may be published. Reads a feature table and events as pandas; asks for no session and no store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from jobs.model.intervals import NORMAL
from jobs.release import Sum, release
from workflows.concept_sets import covers, in_days
from workflows.covariates import CodeRow

ASSUMED = (0.6, 0.7, 0.8)


def standard_error(auroc: float, events: int, others: int) -> float:
    """The standard error of an AUROC by Hanley and McNeil 1982, Radiology 143:29, formula 1.

    The two probabilities in it follow from the AUROC as if scores were exponentially distributed, which they call a
    conservative choice. NaN where there are no events or nothing else.
    """
    if not events or not others:
        return float("nan")
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = auroc * (1 - auroc) + (events - 1) * (q1 - auroc**2) + (others - 1) * (q2 - auroc**2)
    return math.sqrt(spread / (events * others))


@dataclass(frozen=True)
class Width:
    """The 95 % interval of an AUROC of `auroc`, if it is measured on these many events."""

    auroc: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From its lower to its upper end."""
        return self.high - self.low


@dataclass(frozen=True)
class Outcome:
    """Rows and persons of a feature table by outcome; None where a count is not published.

    known: rows whose outcome is known. persons: of those rows; persons_with: who have an event among them. widths: on
    the test side of these persons, none where the events are not published.
    """

    known: int | None
    events: int | None
    persons: int | None
    persons_with: int | None
    widths: tuple[Width, ...]


def expected(auroc: float, events: int, others: int) -> Width:
    """The interval, cut off at 0 and 1."""
    half = NORMAL * standard_error(auroc, events, others)
    return Width(auroc, max(0.0, auroc - half), min(1.0, auroc + half))


NOTHING = Outcome(None, None, None, None, ())


def outcome(features: pd.DataFrame, test_share: float) -> Outcome:
    """What a feature table's rows say about the outcome, beside an attrition that shows how many rows there are.

    Rows tell of persons, and all of these of each other: none is shown without all.
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
    events, others = round(cells["events"] * test_share), round(cells["others"] * test_share)
    widths = tuple(expected(auroc, events, others) for auroc in ASSUMED) if events and others else ()
    return Outcome(cells["known"], cells["events"], persons, with_event, widths)


@dataclass(frozen=True)
class Coverage:
    """Persons with an event of a concept set in a year, and with any event in it; None where it is not published."""

    concept_set_name: str
    year: int
    persons: int | None
    of: int | None


def coverage(events: pd.DataFrame, codes: Iterable[CodeRow]) -> list[Coverage]:
    """Coverage of concept sets by calendar year, every year from the first to the last.

    events: person_id, event_start_datetime, vocabulary_id, concept_code, known_to; of what was closed nothing is
    counted. codes: those of the concept sets.
    """
    dated = events[events["event_start_datetime"].notna() & events["known_to"].isna()]
    years = dated["event_start_datetime"].dt.year
    everyone = dated.groupby(years)["person_id"].nunique()
    if everyone.empty:
        return []
    span = range(int(everyone.index.min()), int(everyone.index.max()) + 1)
    found = []
    for name, some in by_set(codes).items():
        here = dated[held(dated, some)]
        persons = here.groupby(years[here.index])["person_id"].nunique()
        for year in span:
            whole, part = int(everyone.get(year, 0)), int(persons.get(year, 0))
            cells = {"all": whole, "with": part, "without": whole - part}
            shown = release(cells, [Sum("all", ("with", "without"))])
            # The same year's persons stand beside every set, so that what one hides the others do not show.
            found.append(Coverage(name, year, shown["with"] if shown["without"] is not None else None, shown["all"]))
    hidden = {one.year for one in found if one.of is None}
    return [Coverage(c.concept_set_name, c.year, None, None) if c.year in hidden else c for c in found]


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
