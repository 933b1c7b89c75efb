"""What holds of a model's feature table: its columns, and what each kind of feature can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from workflows.contract import Column, Contract
from workflows.contracts.facts import PERSON, VISIT
from workflows.declare import Model
from workflows.feature_columns import ATTRIBUTE, COUNT, DAY, FLAG, TEXT, FeatureColumn, feature_columns
from workflows.rules import Rule
from workflows.source import Source

# The oldest person whose age is known reached 122 years.
OLDEST = 130
KEY, TIME_KEY = ("visit_occurrence_id",), "index_datetime"
FIXED = (
    PERSON,
    replace(VISIT, nullable=False, meaning="index encounter"),
    Column(name="encounter_order", type="long", nullable=False, meaning="1 to n over the whole source, by time"),
    Column(name="index_datetime", type="timestamp", meaning="the index date; empty where time is an order"),
)
OUTCOME = (
    Column(name="outcome", type="long", allowed=("0", "1"), meaning="1 where the outcome occurs in the time at risk"),
    Column(name="outcome_known", type="boolean", nullable=False, meaning="the time at risk is over in the source"),
)


def feature_contract(
    model: Model, source: Source, sets: Mapping[str, Sequence[str]], texts: Collection[str] = ()
) -> Contract:
    """The contract of `feature_<model>`. texts: the attributes of the source's encounters that are text.

    Each rule speaks of every row, and of a kind of columns at once: how many rows have a value is in the statistics.
    """
    some = feature_columns(model, source, sets)
    return Contract(
        table=f"feature_{model.name}", meaning="one row an index encounter: what was known by then, what came of it",
        key=KEY, time_key=TIME_KEY, written=True, rules=rules(some, texts),
        columns=(*FIXED, *(column(one, texts) for one in some), *OUTCOME),
    )  # fmt: skip


def column(one: FeatureColumn, texts: Collection[str]) -> Column:
    """A feature as a column of the table."""
    kind = "string" if text(one, texts) else "double"
    return Column(name=f"f_{one.name}", type=kind, unit=one.unit, meaning=one.meaning)


def text(one: FeatureColumn, texts: Collection[str]) -> bool:
    """Whether the column holds text."""
    return one.holds == TEXT or (one.holds == ATTRIBUTE and one.name in texts)


def rules(some: Sequence[FeatureColumn], texts: Collection[str]) -> tuple[Rule, ...]:
    """What must hold of each kind of column there is; an empty value breaks none."""
    made = {
        # What is no number is empty once it is read.
        "numbers": (
            "every number is one",
            [f"f_{one.name} IS NOT NULL OR _raw.f_{one.name} IS NULL" for one in some if not text(one, texts)],
        ),
        "flags": ("what may be yes or no is 0, 1 or empty", [f"f_{c.name} IN (0, 1)" for c in some if c.holds == FLAG]),
        "counts": (
            "counts are whole numbers, none below 0",
            [f"f_{one.name} >= 0 AND f_{one.name} = floor(f_{one.name})" for one in some if one.holds == COUNT],
        ),
        "days": (
            "days lie in their window",
            [
                f"f_{one.name} {sign} {bound}"
                for one in some
                if one.holds == DAY
                for sign, bound in zip((">=", "<="), one.span, strict=True)
                if bound is not None
            ],
        ),
        "ages": (
            f"ages are from 0 to {OLDEST} years",
            [f"f_{one.name} BETWEEN 0 AND {OLDEST}" for one in some if one.unit == "years"],
        ),
    }
    kinds = [
        Rule(
            id=id_, meaning=meaning, condition=" AND ".join(f"coalesce({one}, true)" for one in conditions),
            # What a source says of births is its own: it is told, and stops nothing.
            severity="convention" if id_ == "ages" else "fatal",
        )
        for id_, (meaning, conditions) in made.items()
        if conditions
    ]  # fmt: skip
    known = Rule(
        id="outcome_where_known", condition="outcome_known = (outcome IS NOT NULL)",
        meaning="there is an outcome where it is known, and nowhere else",
    )  # fmt: skip
    return (*kinds, known)
