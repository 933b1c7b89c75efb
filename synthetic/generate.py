"""Writes a population as the CSV files of an OMOP CDM 5.4 delivery."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from synthetic.changes import CHANGES
from synthetic.persons import Person, person

PERSONS = 6_000
FIRST_DAY = datetime(2021, 1, 1)
INPATIENT, OUTPATIENT = 9201, 9202
MALE, FEMALE = 8507, 8532
# Ids are made from the person's number and a counter, so what one person does renumbers nobody else.
VISITS_EACH, CONDITIONS_EACH = 1_000, 10_000

Row = tuple[object, ...]


def population(persons: int, seed: int, change: str | None = None) -> list[Person]:
    """`persons` invented persons after `change`; raises ValueError naming the changes there are."""
    name = change or "none"
    if name not in CHANGES:
        raise ValueError(f"change {name!r} is not known; valid: {', '.join(sorted(CHANGES))}")
    return CHANGES[name]([person(seed, number) for number in range(1, persons + 1)], seed)


def moment(days: float) -> str:
    """Days since the first day of the data as a time."""
    return (FIRST_DAY + timedelta(seconds=int(days * 86_400))).strftime("%Y-%m-%d %H:%M:%S")


def day(days: float) -> date:
    """Days since the first day of the data as a date."""
    return (FIRST_DAY + timedelta(days=int(days))).date()


def person_rows(people: Iterable[Person]) -> Iterator[Row]:
    """PERSON."""
    for who in people:
        born = (FIRST_DAY - timedelta(days=who.birth_day)).date()
        yield who.number, FEMALE if who.female else MALE, born.year, born.month, born.day


def observation_period_rows(people: Iterable[Person]) -> Iterator[Row]:
    """OBSERVATION_PERIOD: from the first day to death, hospice or the last day."""
    for who in people:
        yield who.number, who.number, day(0), day(who.last_day)


def visit_rows(people: Iterable[Person]) -> Iterator[Row]:
    """VISIT_OCCURRENCE."""
    for who in people:
        for count, visit in enumerate(who.visits):
            concept = INPATIENT if visit.inpatient else OUTPATIENT
            yield (
                who.number * VISITS_EACH + count,
                who.number,
                concept,
                moment(visit.start),
                moment(visit.end),
                visit.left,
            )


def condition_rows(people: Iterable[Person]) -> Iterator[Row]:
    """CONDITION_OCCURRENCE."""
    for who in people:
        count = 0
        for place, visit in enumerate(who.visits):
            for code, when in visit.codes:
                visit_id = who.number * VISITS_EACH + place
                yield who.number * CONDITIONS_EACH + count, who.number, moment(when), visit_id, code
                count += 1


TABLES: dict[str, tuple[Row, Callable[[Iterable[Person]], Iterator[Row]]]] = {
    "person": (("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"), person_rows),
    "observation_period": (
        (
            "observation_period_id",
            "person_id",
            "observation_period_start_date",
            "observation_period_end_date",
        ),
        observation_period_rows,
    ),
    "visit_occurrence": (
        (
            "visit_occurrence_id",
            "person_id",
            "visit_concept_id",
            "visit_start_datetime",
            "visit_end_datetime",
            "discharged_to_source_value",
        ),
        visit_rows,
    ),
    "condition_occurrence": (
        (
            "condition_occurrence_id",
            "person_id",
            "condition_start_datetime",
            "visit_occurrence_id",
            "condition_source_value",
        ),
        condition_rows,
    ),
}


def generate(folder: Path, persons: int = PERSONS, seed: int = 42, change: str | None = None) -> dict[str, int]:
    """Write one CSV a table into `folder` (made if absent); the rows of each. Same arguments, same bytes."""
    people = population(persons, seed, change)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for table, (header, rows_of) in TABLES.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            count = 0
            for row in rows_of(people):
                writer.writerow(row)
                count += 1
        written[table] = count
    return written


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m synthetic.generate", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--change", choices=sorted(CHANGES), default="none")
    given = parser.parse_args()
    for table, rows in generate(given.folder, given.persons, given.seed, given.change).items():
        print(f"{table}: {rows:,} rows")


if __name__ == "__main__":
    main()
