"""What a declaration must not look at: other rows than an encounter's own, what the outcome is read from, and, at an
admission, how the stay ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from workflows.cohorts import InpatientStays, as_cohort
from workflows.contract import Column
from workflows.contracts.facts import fact_encounter_index
from workflows.declare import AtIndex, Demographics, Model, Recorded
from workflows.errors import DeclarationError
from workflows.features import Feature, OfConcepts, in_observation
from workflows.rules import FATAL
from workflows.source import Events, Join, Source
from workflows.sql import HIDING, beyond, column_of, columns, equalities, names

# A part of a source, the field it is said in, and the expression.
Read = tuple[Any, str, str]
# Fields that are no expressions. Any other is taken for one, a field that is added later too.
NO_SQL = {"table", "name", "expected", "at_end", "joins"}


def expressions(part: Any, field: str) -> Iterator[tuple[str, str]]:
    """(field, expression) of all that a part of a source says in SQL; of a kind of events with its joins."""
    for one in fields(part):
        value = getattr(part, one.name)
        if one.name in NO_SQL or value is None:
            continue
        if isinstance(value, str):
            yield f"{field}.{one.name}", value
        else:
            yield from ((f"{field}.{one.name}.{name}", text) for name, text in value)
    for join in getattr(part, "joins", ()):
        yield from expressions(join, f"{field}.joins.{join.name or join.table}")


def refuse_other_rows(source: Source) -> None:
    """Raise if what a source says of a row is made from other rows than its own."""
    single = [(one.name, getattr(source, one.name)) for one in fields(source)]
    parts = [
        *(part for part in single if is_dataclass(part[1])),
        *((f"events.{one.table}", one) for one in source.events),
    ]
    for name, part in parts:
        for field, expression in expressions(part, name):
            # An outcome is what comes later.
            if not field.startswith("encounters.outcomes.") and (found := beyond(expression)):
                told = (
                    "hides which column is read; write its name alone" if found in HIDING
                    else "sees rows of later times and of other persons; declare what is counted or averaged as a "
                    "feature with a window"
                )  # fmt: skip
                raise DeclarationError(
                    source.name, field, expression, f"an expression over the row's own columns: {found} {told}"
                )
    for kind in source.events:
        for join in kind.joins:
            refuse_joined_rows(source, kind, join)
    refuse_made(source)


def refuse_joined_rows(source: Source, kind: Events, join: Join) -> None:
    """Raise unless a join finds its row by the key of its table: any other condition may find a later encounter's."""
    name, contract = join.name or join.table, source.contract(join.table)
    # Of reference data, of which no row is a person's, the key may be made of what the row says.
    public = all(column.classification == "public" for column in contract.columns)
    met = set()
    for sides in equalities(join.on):
        for one, other in (sides, sides[::-1]):
            found, beside = column_of(one), column_of(other)
            if found and found[0] == name.lower() and (public or (beside and beside[0] != name.lower())):
                met.add(found[1])
    key = contract.key if contract.key_severity == FATAL else ()
    if not key or not {column.lower() for column in key} <= met:
        by = " AND ".join(f"{name}.{column} = a column of {kind.table}" for column in key)
        told = by or f"a join of a table with a fatal key, unlike {join.table}"
        raise DeclarationError(
            source.name, f"events.{kind.table}.joins.{name}.on", join.on,
            f"{told}: any other condition may find rows of later times and of other persons",
        )  # fmt: skip


def refuse_made(source: Source) -> None:
    """Raise if an encounter or a person is read from what is made of it: Spark looks up the names that a SELECT gives
    too, so that `attr_copied`, of an attribute that nobody uses, would hide what that one is read from."""
    index = fact_encounter_index(source.attributes, source.outcomes)
    made = {name.lower() for name in (*(column.name for column in index.columns), *index.unused)}
    for name, part in (("encounters", source.encounters), ("persons", source.persons)):
        own = {column.name.lower() for column in source.contract(part.table).columns}
        for field, expression in expressions(part, name):
            if found := sorted({one for _, one in columns(expression)} & (made - own)):
                raise DeclarationError(
                    source.name, field, expression,
                    f"an expression over the row's own columns: {found[0]} is made of them; write what it is made of",
                )  # fmt: skip


def refuse_outcome(model: Model, source: Source, file: str) -> None:
    """Raise if a feature is read from the very columns that a recorded outcome is read from."""
    if not isinstance(model.outcome, Recorded):
        return
    outcome = dict(source.encounters.outcomes)[model.outcome.name]
    hidden = outcome_columns(source, outcome)
    looked = [("features", *one, "on which every feature hangs") for one in of_every_feature(source)]
    looked += [
        (f"features.{feature.name}", *one, "or leave the feature out")
        for feature in model.features for one in read_by(feature, source)
    ]  # fmt: skip
    for where, part, field, expression, told in looked:
        if found := sorted(delivered_of(source, part, expression) & hidden):
            raise DeclarationError(
                model.name, where, found[0],
                f"columns that do not tell the outcome: {model.outcome.name} is read from {outcome}; take {found[0]} "
                f"out of {field} = {expression!r}, {told}", file,
            )  # fmt: skip


def of_every_feature(source: Source) -> list[Read]:
    """What says which encounter it is, whose and when: whatever a feature is of, it is of that encounter.

    Not who is not at risk: whom an outcome leaves out is no feature of those who stay.
    """
    apart = tuple(f"encounters.{name}" for name in ("attributes.", "outcomes.", "not_at_risk"))
    said = expressions(source.encounters, "encounters")
    return [(source.encounters, field, text) for field, text in said if not field.startswith(apart)]


def read_by(feature: Feature, source: Source) -> list[Read]:
    """(part of the source, field, expression) of what a feature is read from, beside what all are."""
    if isinstance(feature, AtIndex):
        one, name = source.encounters, feature.attribute
        return [(one, f"encounters.attributes.{name}", dict(one.attributes)[name])]
    parts: list[tuple[Any, str]] = []
    if isinstance(feature, Demographics):
        parts = [(source.persons, "persons")]
    elif isinstance(feature, OfConcepts) and feature.collection not in source.named_events:
        parts = [(kind, f"events.{kind.table}") for kind in source.events]
    if in_observation(feature) and source.observation is not None:
        parts.append((source.observation, "observation"))
    return [(part, field, text) for part, name in parts for field, text in expressions(part, name)]


def delivered_of(source: Source, part: Any, expression: str) -> set[str]:
    """The delivered columns of encounters that an expression of a part names, in lower case."""
    stand = [(part.table, part.table), *((join.name or join.table, join.table) for join in getattr(part, "joins", ()))]
    files = {one.table: {(file, one.member) for file in one.files} for one in source.deliveries}
    found: set[str] = set()
    for alias, table in stand:
        # A file that is delivered as two tables tells the same in both.
        if table == source.encounters.table or files.get(table, set()) & files.get(source.encounters.table, set()):
            said = {name for of, name in columns(expression) if of in ("", alias.lower())}
            found |= {
                name for column in source.contract(table).columns
                if said & {"*", column.name.lower()} for name in delivered_as(column)
            }  # fmt: skip
    return found


def delivered_as(column: Column) -> set[str]:
    """The names that a column has where it is delivered."""
    return {name.lower() for name in (column.name, *column.also)}


def outcome_columns(source: Source, outcome: str) -> set[str]:
    """The delivered columns an outcome is read from, but for those that say which encounter it is and when."""
    one = source.encounters
    contract = source.contract(one.table)
    named = {column.name.lower() for column in contract.columns}
    whose = {text.strip(" `").lower() for text in (one.person_id, one.visit_occurrence_id)}
    who = names(one.person_id, named) | names(one.visit_occurrence_id, named)
    when = names(one.order, named) | names(one.start, named) | names(one.end, named)
    # That a key or a date is made of more than keys and times does not free what else it is made of.
    times = ("date", "timestamp") if source.time == "calendar" else ("date", "timestamp", "long", "double")
    free = {
        name for column in contract.columns for name in delivered_as(column)
        if (low := column.name.lower()) in whose
        or (low in who and column.classification == "identifier") or (low in when and column.type in times)
    }  # fmt: skip
    return delivered_of(source, one, outcome) - free


def known_at_end(source: Source) -> set[str]:
    """The attributes of an encounter that nobody knows before it has ended."""
    one = source.encounters
    named = {column.name.lower() for column in source.contract(one.table).columns}
    ends = (names(one.end, named) | names(one.not_at_risk, named)) - names(one.start, named)
    return {"length_of_stay", *one.at_end, *(name for name, text in one.attributes if names(text, named) & ends)}


def refuse_end(model: Model, source: Source, file: str) -> None:
    """Raise if a feature at an admission tells what is known only when the stay has ended."""
    entry = as_cohort(model.cohort).entry
    if not isinstance(entry, InpatientStays) or entry.index != "admission":
        return
    late = known_at_end(source)
    for feature in model.features:
        if isinstance(feature, AtIndex) and feature.attribute in late:
            known = ", ".join(name for name in source.attributes if name not in late) or "no attribute"
            raise DeclarationError(
                model.name, f"features.{feature.name}", feature.attribute,
                f"{known}: what is known at admission, or InpatientStays(index='discharge')", file,
            )  # fmt: skip
