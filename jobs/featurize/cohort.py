"""Who is in a model's cohort, when its index date is, and how many encounters each rule leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from workflows.declare import Event, Model

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Step:
    """What one rule leaves: encounters and persons that satisfy it and all before it."""

    step: int
    reason: str
    encounters: int
    persons: int


def index_datetime(model: Model) -> Column:
    """The prediction point of an encounter; null where the source's time is only an order."""
    return sf.col("visit_end_datetime" if model.cohort.index == "discharge" else "visit_start_datetime")


def completed_years(birth_date: Column, day: Column) -> Column:
    """Age in completed years: one more from the birthday on; born on 29 February, from 1 March in common years."""
    before_birthday = sf.date_format(day, "MMdd") < sf.date_format(birth_date, "MMdd")
    return sf.year(day) - sf.year(birth_date) - before_birthday.cast("int")


def rules(model: Model) -> list[tuple[str, Column]]:
    """The rules that make a cohort of all encounters, in order; each is true, or false where it is not known."""
    found = [
        ("inpatient stay", sf.col("is_inpatient_visit")),
        ("leaves the person at risk", sf.col("is_at_risk")),
    ]
    if model.cohort.minimum_age:
        age = completed_years(sf.col("birth_date"), sf.to_date(index_datetime(model)))
        found.append((f"{model.cohort.minimum_age} years or older", age >= model.cohort.minimum_age))
    return [(reason, sf.coalesce(rule, sf.lit(False))) for reason, rule in found]


def cohort(encounters: DataFrame, model: Model) -> DataFrame:
    """The encounters of `fact_encounter_index` that satisfy every rule, with `index_datetime`."""
    frame = encounters
    for _, rule in rules(model):
        frame = frame.where(rule)
    return frame.select("*", index_datetime(model).alias("index_datetime"))


def last_known(encounters: DataFrame) -> DataFrame:
    """One row, `_last`: the last date whose outcomes are known, from the part of the order that is known."""
    return encounters.where("outcome_known").agg(sf.to_date(sf.max("visit_end_datetime")).alias("_last"))


def matured(model: Model) -> Column:
    """Whether an encounter's outcome can be known: recorded by then, or its time at risk is over."""
    if isinstance(model.outcome, Event):
        return sf.col("outcome_known") & (
            sf.date_add(sf.to_date("index_datetime"), model.outcome.time_at_risk.end) <= sf.col("_last")
        )
    return sf.col("outcome_known") & sf.col(f"outcome_{model.outcome.name}").isNotNull()


def attrition(encounters: DataFrame, model: Model) -> list[Step]:
    """What each rule leaves of all encounters, by one aggregate."""
    reasons, kept = ["all encounters"], [sf.lit(True)]
    for reason, rule in rules(model):
        reasons.append(reason)
        kept.append(kept[-1] & rule)
    steps = range(len(reasons))
    # Per person first: distinct counts of many conditions would copy every row once a condition.
    per_person = encounters.groupBy("person_id").agg(*(sf.count_if(kept[step]).alias(f"_{step}") for step in steps))
    row = per_person.agg(
        *(sf.sum(f"_{step}").alias(f"e{step}") for step in steps),
        *(sf.count_if(sf.col(f"_{step}") > 0).alias(f"p{step}") for step in steps),
    ).first()
    assert row is not None
    return [Step(step, reasons[step], row[f"e{step}"] or 0, row[f"p{step}"] or 0) for step in steps]


def landmark(index: DataFrame, day: int) -> DataFrame:
    """`index` moved `day` days later, without those who are not followed until then (`followed_until`)."""
    moved = sf.date_add(sf.to_date("index_datetime"), day)
    return index.where(sf.col("followed_until") >= moved).withColumn("index_datetime", moved.cast("timestamp"))
