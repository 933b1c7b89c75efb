"""What must hold of a table beyond its columns: rules as data, over one row and over the rows of other tables.

Conditions are Spark SQL. A rule whose condition is null does not speak of the row. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError
from workflows.expressions import birth_date

FATAL, CONVENTION, CHARACTERIZATION = "fatal", "convention", "characterization"
SEVERITIES = (FATAL, CONVENTION, CHARACTERIZATION)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The rows of another table of the source with the same key, gathered to one struct `_<table>`; null where none.

    on: (column here, column there); empty for all rows of the other table. gathers: (field, aggregate).
    """

    table: str
    on: tuple[tuple[str, str], ...] = ()
    gathers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A condition that holds of every row of which it speaks.

    severity: "fatal" (the rows are rejected and the job fails), "convention" (counted and reported; the rows stay),
    "characterization" (a figure that describes the source). threshold: the share of rows that may break the rule.
    """

    id: str
    condition: str
    meaning: str
    severity: str = FATAL
    threshold: float = 0.0
    beside: Beside | None = None

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise DeclarationError(self.id, "severity", self.severity, SEVERITIES)
        if not 0 <= self.threshold <= 1:
            raise DeclarationError(self.id, "threshold", self.threshold, "a share of rows from 0 to 1")


def not_before(later: str, earlier: str) -> Rule:
    """An end is not before its start."""
    return Rule(
        id=f"{later}_not_before_{earlier}", condition=f"{later} >= {earlier}", meaning=f"{later} not before {earlier}"
    )


def not_future(moment: str) -> Rule:
    """Nothing is recorded before it happens, in a source that does not say when it was extracted."""
    return Rule(
        id=f"{moment}_not_future", severity=CONVENTION, condition=f"to_date({moment}) <= current_date()",
        meaning=f"{moment} not after the extraction of the source",
    )  # fmt: skip


def in_range(column: str, low: int, high: int) -> Rule:
    """A value lies between two bounds, both inclusive."""
    return Rule(
        id=f"{column}_in_range",
        condition=f"{column} between {low} and {high}",
        meaning=f"{column} from {low} to {high}",
    )


def born_on_a_day(year: str, month: str, day: str) -> Rule:
    """There is such a day of birth; of parts that no date has, their own ranges speak."""
    return Rule(
        id="birth_date_exists", meaning=f"{year}, {month} and {day} are a day of the calendar",
        condition=f"CASE WHEN {year} BETWEEN 1000 AND 9999 AND {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND 31 "
        f"THEN {birth_date(year, month, day)} IS NOT NULL END",
    )  # fmt: skip


def refers(column: str, table: str, key: str | None = None) -> Rule:
    """A foreign key: where there is a value, the other table has a row for it."""
    return Rule(
        id=f"{column}_in_{table}", severity=CONVENTION,
        condition=f"CASE WHEN {column} IS NOT NULL THEN _{table} IS NOT NULL END",
        meaning=f"{column} is in {table}", beside=Beside(table=table, on=((column, key or column),)),
    )  # fmt: skip


def filled(column: str) -> Rule:
    """How complete a column is."""
    return Rule(
        id=f"{column}_filled", condition=f"{column} IS NOT NULL", meaning=f"{column} has a value",
        severity=CHARACTERIZATION,
    )  # fmt: skip


def after_birth(moment: str, *, table: str, key: str, born: str) -> Rule:
    """Nothing happens to a person before their birth. born: the day, or the first that it can be where it is not known
    whole: no row is told of that may be right."""
    return Rule(
        id=f"{moment}_after_birth", severity=CONVENTION, condition=f"to_date({moment}) >= _{table}.born",
        meaning=f"{moment} not before the day of birth, or the first day that it can be",
        beside=Beside(table=table, on=((key, key),), gathers=(("born", f"min({born})"),)),
    )  # fmt: skip


def observed(
    moment: str,
    *,
    table: str,
    key: str,
    start: str,
    end: str,
    span: str = "an observation period",
) -> Rule:
    """What happens to a person (in a stay) of whom spans are known happens inside one; its ends are inside."""
    spans = f"collect_list(struct({start} AS first, {end} AS last))"
    return Rule(
        id=f"{moment}_observed", severity=CONVENTION,
        condition=f"exists(_{table}.spans, s -> to_date({moment}) BETWEEN s.first AND s.last)",
        meaning=f"{moment} is inside {span}",
        beside=Beside(table=table, on=((key, key),), gathers=(("spans", spans),)),
    )  # fmt: skip


def before_extraction(moment: str, *, table: str, day: str) -> Rule:
    """Nothing is recorded after the day on which the source was extracted."""
    return Rule(
        id=f"{moment}_before_extraction", severity=CONVENTION,
        condition=f"to_date({moment}) <= _{table}.extracted",
        meaning=f"{moment} not after the extraction of the source",
        beside=Beside(table=table, gathers=(("extracted", f"max({day})"),)),
    )  # fmt: skip
