"""What a declaration must not look at: other rows than an encounter's own, what the outcome is read from, and, at an
admission, how the stay ended."""

from __future__ import annotations

import re
from collections.abc import Iterable

from workflows.cohorts import InpatientStays, as_cohort
from workflows.declare import AtIndex, Model, Recorded
from workflows.errors import DeclarationError
from workflows.features import OfConcepts
from workflows.source import Source

QUOTED = re.compile(r"'[^']*'")
WORD = re.compile(r"[a-z_][a-z0-9_]*")
# A window or a subquery sees rows of other times and persons: of later encounters, and of all outcomes.
OTHER_ROWS = {"over": "a window function", "select": "a subquery"}


def words(expression: str) -> set[str]:
    """The names in an expression: columns, functions and key words, in lower case."""
    return set(WORD.findall(QUOTED.sub("", expression).lower()))


def refuse_other_rows(source: Source) -> None:
    """Raise if what is known at an index date is made from other rows than its own."""
    encounters = source.encounters
    looked = [
        ("inpatient", encounters.inpatient), ("not_at_risk", encounters.not_at_risk),
        *((f"attributes.{name}", expression) for name, expression in encounters.attributes),
        *((f"events.{kind.table}", text)
          for kind in source.events for text in (kind.code, kind.where, kind.value_as_number, kind.value_as_string)),
    ]  # fmt: skip
    for field, expression in looked:
        if found := sorted(words(expression) & set(OTHER_ROWS)):
            raise DeclarationError(
                source.name, field, expression,
                f"an expression over the row's own columns: {OTHER_ROWS[found[0]]} sees rows of later times and of "
                "other persons; declare what is counted or averaged as a feature with a window",
            )  # fmt: skip


def refuse_outcome(model: Model, source: Source, file: str) -> None:
    """Raise if a feature is read from the very columns that a recorded outcome is read from."""
    if not isinstance(model.outcome, Recorded):
        return
    outcome = dict(source.encounters.outcomes)[model.outcome.name]
    for feature in model.features:
        if isinstance(feature, AtIndex):
            expressions: list[str] = [dict(source.encounters.attributes)[feature.attribute]]
        elif isinstance(feature, OfConcepts):
            same = [kind for kind in source.events if kind.table == source.encounters.table]
            expressions = [text for kind in same for text in (kind.code, kind.where, kind.value_as_number)]
        else:
            continue
        if found := sorted(outcome_columns(source, outcome) & {word for text in expressions for word in words(text)}):
            raise DeclarationError(
                model.name, f"features.{feature.name}", found[0],
                f"columns that do not tell the outcome: {model.outcome.name} is read from {outcome}", file,
            )  # fmt: skip


def known_at_end(source: Source) -> set[str]:
    """The attributes of an encounter that nobody knows before it has ended."""
    one = source.encounters
    ends = (words(one.end or "") | words(one.not_at_risk)) - words(one.start or "")
    # A function is no column: that both use one says nothing.
    ends &= {column.name.lower() for column in source.contract(one.table).columns}
    return {"length_of_stay", *one.at_end, *(name for name, text in one.attributes if words(text) & ends)}


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


def outcome_columns(source: Source, outcome: str) -> set[str]:
    """The columns an outcome is read from, but for those that say which encounter it is and when."""
    encounters = source.encounters
    contract = next(one for one in source.contracts if one.table == encounters.table)
    named = {column.name.lower() for column in contract.columns}
    return (words(outcome) & named) - _of_all(
        (encounters.person_id, encounters.visit_occurrence_id, encounters.order, encounters.start, encounters.end)
    )


def _of_all(expressions: Iterable[str | None]) -> set[str]:
    return {word for one in expressions if one is not None for word in words(one)}
