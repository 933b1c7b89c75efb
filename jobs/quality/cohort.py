"""What of a cohort may be shown: its attrition, beside all that was ever shown of its rows and its persons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.disclosure import few, moved
from jobs.quality.table import QUALITY, STATISTICS
from jobs.release import nested

if TYPE_CHECKING:
    from jobs.io.context import Task

# Encounters and persons; None where one is not shown.
Counts = tuple[int | None, int | None]


@dataclass(frozen=True)
class Shown:
    """Every count that was shown of a group.

    again: encounters beyond the first of each person, which follow where encounters and persons of one version were.
    """

    encounters: frozenset[int] = frozenset()
    persons: frozenset[int] = frozenset()
    again: frozenset[int] = frozenset()

    @classmethod
    def of(cls, counts: Iterable[Counts]) -> Shown:
        """Of (encounters, persons) as they were shown; None where one was not."""
        pairs = set(counts)
        return cls(
            frozenset(rows for rows, _ in pairs if rows is not None),
            frozenset(persons for _, persons in pairs if persons is not None),
            frozenset(rows - persons for rows, persons in pairs if rows is not None and persons is not None),
        )

    def tells(self, encounters: int, persons: int) -> bool:
        """Whether persons can be told of 1 to 10 where these persons are shown, and elsewhere their encounters."""
        again = encounters - persons
        return few(persons, again) or moved(persons, self.persons) or moved(again, self.again)


def attrition(
    steps: Sequence[tuple[int, int]], before: Sequence[Shown], members: Shown, source: Collection[int]
) -> list[tuple[int, int | None] | None]:
    """(encounters, persons) of the steps as they may be published; None for a step of which neither is shown.

    Persons are not shown where few of them return.

    before: of each step what was shown of it. members: what was shown of the rows that the last step leaves, which the
    quality report and the statistics tell of, too. source: how many encounters the source has, as shown.
    """
    encounters, persons = [one for one, _ in steps], [one for _, one in steps]
    again = [rows - whose for rows, whose in steps]
    last = len(steps) - 1
    told = not members.tells(*steps[last])
    counted = not moved(encounters[last], [*members.encounters, *source])
    # All of the source is what the report on its facts shows.
    known = [place for place, rows in enumerate(encounters) if rows in source or (place == last and counted)]
    beside = [*before[:last], members]
    found = (
        nested(encounters, [one.encounters for one in beside], known),
        nested(persons, [one.persons for one in beside], [last] if told else []),
        nested(again, [one.again for one in beside], [last] if told and counted else []),
    )
    # Few persons hide their encounters too: a count of encounters would tell them apart.
    return [
        None if None in (rows, whose) else (step[0], None if more is None else step[1])
        for step, rows, whose, more in zip(steps, *found, strict=True)
    ]


def attrition_before(task: Task, table: str, steps: Sequence[tuple[int, str]]) -> list[Shown]:
    """Of each step (number, reason) what earlier runs showed."""
    if not task.tables.exists(table):
        return [Shown() for _ in steps]
    rows = task.tables.read(table).select("step", "reason", "encounters", "persons").distinct().collect()
    return [
        Shown.of((row["encounters"], row["persons"]) for row in rows if (row["step"], row["reason"]) == step)
        for step in steps
    ]


def members_before(task: Task, attrition: str, features: str) -> tuple[Shown, frozenset[int]]:
    """What was shown of the rows of a feature table (by attrition, quality report and statistics), and of its source.

    attrition, features: the tables' names.
    """
    zone = features.partition(".")[0]
    counts = last_steps(task, attrition).values()
    source: set[int] = set()
    by_version: dict[int, list[int | None]] = {}
    facts = f"{zone}.fact_encounter_index"
    for table, column, where, place in (
        (f"{zone}.{QUALITY}", "table_rows", f"table IN ('{features}', '{facts}')", 0),
        (f"{zone}.{STATISTICS}", "persons", f"table = '{features}' AND dimension = 'all'", 1),
    ):
        if task.tables.exists(table):
            told = task.tables.read(table).where(where).select("table", "table_version", column).distinct()
            for row in told.collect():
                if row[column] is None:
                    continue
                if row["table"] == facts:
                    source.add(row[column])
                else:
                    by_version.setdefault(row["table_version"], [None, None])[place] = row[column]
    return Shown.of([*counts, *((rows, persons) for rows, persons in by_version.values())]), frozenset(source)


def counted(task: Task, attrition: str) -> bool:
    """Whether the newest attrition says how many encounters there are in all; where there is none, nothing is said."""
    runs = last_steps(task, attrition)
    return bool(runs) and runs[max(runs, key=int)][0] is not None


def last_steps(task: Task, attrition: str) -> dict[str, Counts]:
    """By job run what its attrition shows of its last step."""
    if not task.tables.exists(attrition):
        return {}
    rows = task.tables.read(attrition).select("job_run_id", "step", "encounters", "persons").collect()
    steps = sorted(rows, key=lambda row: row["step"])
    return {row["job_run_id"]: (row["encounters"], row["persons"]) for row in steps}
