"""The vocabulary for sources: what is delivered, and how it becomes facts.

Expressions are Spark SQL over the columns of one curated table. Standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflows.contract import Contract
from workflows.errors import DeclarationError

TIMES = ("calendar", "relative", "order")
# An expression that is one text.
FIXED = re.compile(r"'([^']+)'")


def hashed(*expressions: str) -> str:
    """Spark SQL of a stable id for text: the first 64 bits of SHA-256 of the trimmed parts joined by `|`, without the
    sign. Without the first part there is none: rows of nobody are not of one person."""
    parts = ", ".join(f"coalesce(trim(cast({expression} AS string)), '')" for expression in expressions)
    digest = f"sha2(concat_ws('|', {parts}), 256)"
    # Sixteen hexadecimal digits of which the first keeps three bits: what `conv` makes of them fits a bigint.
    first = f"cast(cast(conv(substring({digest}, 1, 1), 16, 10) AS int) % 8 AS string)"
    made = f"cast(conv(concat({first}, substring({digest}, 2, 15)), 16, 10) AS bigint)"
    return f"CASE WHEN trim(cast({expressions[0]} AS string)) <> '' THEN {made} END"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivered file that becomes one curated table: a CSV, or the CSV `member` inside a zip.

    files: the names the file may have; the first that is there is taken.
    """

    table: str
    files: tuple[str, ...]
    member: str | None = None


@dataclass(frozen=True, kw_only=True)
class Join:
    """Another curated table beside a table's rows: `on` finds at most one row of it by its key, none leaves nulls.

    Expressions then name columns by their table (`patdemo.ADMIT_DATE`), `on` too. name: what they call it instead,
    where a table is joined twice.
    """

    table: str
    on: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Persons:
    """How a curated table becomes `fact_person`'s persons: expressions for each person attribute.

    birth_date_assumed: a condition under which that day is not the source's own: its month or day is missing and taken
    as the first, or it follows from an age. None where the source has whole days.
    source_value: how the source itself names a person, where `person_id` is made from it; `person_xref` keeps both.
    """

    table: str
    person_id: str
    sex: str
    birth_date: str | None = None
    birth_date_assumed: str | None = None
    age_band: str | None = None
    source_value: str | None = None


@dataclass(frozen=True, kw_only=True)
class Encounters:
    """How a curated table becomes `fact_encounter_index`, one row a stay.

    order: an expression that rises with time. start, end: timestamps, or None where time is only an order.
    not_at_risk: a condition under which the stay does not leave its person at risk (death, hospice).
    attributes: named expressions known at the index date. outcomes: named outcomes that the source itself recorded.
    at_end: attributes known only once the encounter has ended, beside its length and what is read from `end` or
    `not_at_risk` (`leaks.known_at_end`).
    provider_id: who gave the care, as `fact_provider` knows them. known_from: as of events.
    """

    table: str
    person_id: str
    visit_occurrence_id: str
    order: str
    inpatient: str
    not_at_risk: str
    start: str | None = None
    end: str | None = None
    provider_id: str | None = None
    known_from: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()
    at_end: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.at_end:
            if name not in (names := [one for one, _ in self.attributes]):
                raise DeclarationError("Encounters", "at_end", name, names)


@dataclass(frozen=True, kw_only=True)
class Events:
    """How one curated table becomes rows of `fact_person`: one event for each row that satisfies `where`.

    start, end: when it began and ended, None where the source does not say. unit: the unit of a value, as delivered.
    known_from: when the source had the row, where it says so; otherwise its `lag` is assumed.
    """

    table: str
    person_id: str
    visit_occurrence_id: str
    vocabulary: str
    code: str
    start: str | None = None
    end: str | None = None
    known_from: str | None = None
    where: str = "true"
    value_as_number: str = "null"
    value_as_string: str = "null"
    unit: str = "null"
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Observation:
    """How a curated table becomes `fact_observation_period`: the days, first and last, in which care is recorded."""

    table: str
    person_id: str
    start: str
    end: str


@dataclass(frozen=True, kw_only=True)
class Providers:
    """How a curated table becomes `fact_provider`, one row a provider."""

    table: str
    provider_id: str
    source_value: str
    specialty: str = "null"


@dataclass(frozen=True, kw_only=True)
class Notes:
    """How one curated table becomes `note`, one row a note.

    key: an expression that names a note for good in its source. written: when it was; a note without it is rejected.
    expected: the curated table of sentences that some notes must give, by the contract `note_expected`, if any.
    """

    table: str
    key: str
    person_id: str
    written: str
    text: str
    type: str = "null"
    title: str = "null"
    provider_id: str = "null"
    visit_occurrence_id: str = "null"
    expected: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One curated dataset: how it is recognised, what holds of its tables and how they become facts.

    time: "calendar" (dates), "relative" (days from a person's own index, put on the calendar at an assumed day) or
    "order" (only before and after: windows in days make no sense).
    collections: concept-set files (`workflows/concepts/<name>.csv`) that fit its vocabularies.
    lag: days after its event from which a row is assumed to be known, where its mapping does not say when it was.
    """

    name: str
    title: str
    time: str
    deliveries: tuple[Delivery, ...]
    contracts: tuple[Contract, ...]
    persons: Persons
    encounters: Encounters
    events: tuple[Events, ...]
    collections: tuple[str, ...]
    named_events: tuple[str, ...] = ("inpatient_admission",)
    observation: Observation | None = None
    providers: Providers | None = None
    notes: Notes | None = None
    lag: int = 0

    def __post_init__(self) -> None:
        if self.time not in TIMES:
            raise DeclarationError(self.name, "time", self.time, TIMES)
        if isinstance(self.lag, bool) or not isinstance(self.lag, int) or not 0 <= self.lag <= 3650:
            raise DeclarationError(self.name, "lag", self.lag, "whole days from 0 to 3650")
        tables = {contract.table for contract in self.contracts}
        used = {table for tables in self.made_from.values() for table in tables}
        if self.notes is not None:
            used |= {table for table in (self.notes.table, self.notes.expected) if table is not None}
        for table in (*(part.table for part in self.deliveries), *sorted(used)):
            if table not in tables:
                raise DeclarationError(self.name, "contracts", table, sorted(tables))
        for rule in (rule for contract in self.contracts for rule in contract.rules):
            if rule.beside is not None and rule.beside.table not in tables:
                raise DeclarationError(self.name, "rules", rule.beside.table, sorted(tables))

    @property
    def made_from(self) -> dict[str, tuple[str, ...]]:
        """The fact tables that this source becomes, and the curated tables each is made from."""
        made = {
            "fact_encounter_index": {self.encounters.table, self.persons.table},
            "fact_person": {t for kind in self.events for t in (kind.table, *(join.table for join in kind.joins))},
        }
        if self.observation is not None:
            made["fact_observation_period"] = {self.observation.table, self.persons.table}
        if self.providers is not None:
            made["fact_provider"] = {self.providers.table}
        if self.persons.source_value is not None:
            made["person_xref"] = {self.persons.table}
        return {fact: tuple(sorted(tables)) for fact, tables in made.items()}

    @property
    def vocabularies(self) -> tuple[str, ...]:
        """The vocabularies of its events where the mapping fixes them all; none where rows say their own."""
        fixed = [FIXED.fullmatch(kind.vocabulary) for kind in self.events]
        return tuple(sorted({one[1] for one in fixed if one})) if all(fixed) else ()

    def contract(self, table: str) -> Contract:
        """The contract of one of its curated tables."""
        return next(one for one in self.contracts if one.table == table)

    @property
    def assumed(self) -> tuple[str, ...]:
        """The curated tables whose rows do not say when they were known: the lag is assumed of them."""
        parts: tuple[Events | Encounters, ...] = (*self.events, self.encounters)
        return tuple(sorted({part.table for part in parts if part.known_from is None}))

    @property
    def without_key(self) -> tuple[str, ...]:
        """The tables of events in which no key follows a row from version to version: all their rows are compared."""
        contracts = [self.contract(table) for table in sorted({kind.table for kind in self.events})]
        return tuple(contract.table for contract in contracts if contract.once or not contract.key)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names that `AtIndex` may use."""
        return tuple(name for name, _ in self.encounters.attributes)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names that `Recorded` may use."""
        return tuple(name for name, _ in self.encounters.outcomes)
