"""The vocabulary for sources and table contracts: what is delivered, what must hold of it, how it becomes facts.

Expressions are Spark SQL over the columns of one curated table. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError

TYPES = ("string", "long", "double", "date", "timestamp", "boolean")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its type, whether it may be empty, which values it may take, and what it means."""

    name: str
    type: str
    meaning: str
    nullable: bool = True
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise DeclarationError(self.name, "type", self.type, TYPES)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What holds of every version of a table: its columns in order, its key and its rules.

    rules: (condition that holds of every row or is null, what it means), such as an end that is not before its start.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    meaning: str
    rules: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        for name in self.key:
            if name not in names:
                raise DeclarationError(self.table, "key", name, names)
        if len(set(names)) != len(names):
            raise DeclarationError(self.table, "columns", names, "each column once")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivered file that becomes one curated table: a CSV, or the CSV `member` inside a zip.

    files: the names the file may have; the first that is there is taken.
    """

    table: str
    files: tuple[str, ...]
    member: str | None = None


@dataclass(frozen=True, kw_only=True)
class Persons:
    """How a curated table becomes `fact_person`'s persons: expressions for each person attribute."""

    table: str
    person_id: str
    sex: str
    birth_date: str | None = None
    age_band: str | None = None


@dataclass(frozen=True, kw_only=True)
class Encounters:
    """How a curated table becomes `fact_encounter_index`, one row a stay.

    order: an expression that rises with time. start, end: timestamps, or None where time is only an order.
    not_at_risk: a condition under which the stay does not leave its person at risk (death, hospice).
    attributes: named expressions known at the index date. outcomes: named outcomes that the source itself recorded.
    """

    table: str
    person_id: str
    visit_occurrence_id: str
    order: str
    inpatient: str
    not_at_risk: str
    start: str | None = None
    end: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Events:
    """How one curated table becomes rows of `fact_person`: one event for each row that satisfies `where`."""

    table: str
    person_id: str
    visit_occurrence_id: str
    vocabulary: str
    code: str
    start: str | None = None
    where: str = "true"
    value_as_number: str = "null"
    value_as_string: str = "null"


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

    time: "calendar" (dates; windows in days make sense) or "order" (only before and after).
    collections: concept-set files (`workflows/concepts/<name>.csv`) that fit its vocabularies.
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
    notes: Notes | None = None

    def __post_init__(self) -> None:
        if self.time not in ("calendar", "order"):
            raise DeclarationError(self.name, "time", self.time, ["calendar", "order"])
        tables = {contract.table for contract in self.contracts}
        parts = [part.table for part in self.deliveries] + [part.table for part in self.events]
        if self.notes is not None:
            parts += [table for table in (self.notes.table, self.notes.expected) if table is not None]
        for table in (*parts, self.persons.table, self.encounters.table):
            if table not in tables:
                raise DeclarationError(self.name, "contracts", table, sorted(tables))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names that `AtIndex` may use."""
        return tuple(name for name, _ in self.encounters.attributes)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names that `Recorded` may use."""
        return tuple(name for name, _ in self.encounters.outcomes)
