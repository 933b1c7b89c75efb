"""The vocabulary for table contracts: a table's columns, its keys, and what must hold of it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError
from workflows.rules import FATAL, SEVERITIES, Rule

TYPES = ("string", "long", "double", "date", "timestamp", "boolean")
MOMENTS = ("date", "timestamp")
CLASSIFICATIONS = ("identifier", "personal", "public")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its type, whether it may be empty, which values it may take, and what it means.

    optional: the column itself may be missing; it is empty then. also: names that other versions of the source give it.
    unit: of a number, where the source has one for all rows. classification: an identifier, personal, or public.
    """

    name: str
    type: str
    meaning: str
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    optional: bool = False
    also: tuple[str, ...] = ()
    unit: str = ""
    classification: str = "personal"

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise DeclarationError(self.name, "type", self.type, TYPES)
        if self.classification not in CLASSIFICATIONS:
            raise DeclarationError(self.name, "classification", self.classification, CLASSIFICATIONS)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What holds of every version of a table: its columns in order, its key and its rules.

    key: the columns that tell two rows apart; empty where nothing does. key_severity: what a repeated key is.
    time_key: the column of the moment that a row is of; None where it is of no moment, or another table says of which.
    once: exact duplicates of a row count once. empty: the table may have no rows. unused: columns that the source is
    known to have and that nothing reads; any other is reported as unknown. written: by this project, in these types, so
    that no value is read from text or in a wrong encoding. new_columns: "evolve" where a delivery may have columns that
    are not named here, and a history goes on past one that was not there before; "refuse" where either fails the job. A
    column that goes or changes type always does.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    meaning: str
    time_key: str | None = None
    rules: tuple[Rule, ...] = ()
    key_severity: str = FATAL
    once: bool = False
    empty: bool = False
    unused: tuple[str, ...] = ()
    written: bool = False
    new_columns: str = "evolve"

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        for name in self.key:
            if name not in names:
                raise DeclarationError(self.table, "key", name, names)
        moments = [column.name for column in self.columns if column.type in MOMENTS]
        if self.time_key is not None and self.time_key not in moments:
            raise DeclarationError(self.table, "time_key", self.time_key, moments or "none: no column is a moment")
        if len(set(names)) != len(names):
            raise DeclarationError(self.table, "columns", names, "each column once")
        if self.new_columns not in ("evolve", "refuse"):
            raise DeclarationError(self.table, "new_columns", self.new_columns, ["evolve", "refuse"])
        if self.key_severity not in SEVERITIES:
            raise DeclarationError(self.table, "key_severity", self.key_severity, SEVERITIES)
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise DeclarationError(self.table, "rules", ids, "each id once")
