"""Who is in a cohort, when its index date is, and how many rows and persons each step leaves.

Every row carries how many steps it has passed: the members are those that passed all, and the attrition is one
aggregate over the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.featurize import engine
from jobs.featurize.entries import KEY, Facts, candidates, of_table, other_encounters
from jobs.featurize.knowledge import known_at, said_now
from workflows.cohorts import Cohort, InpatientStays, as_cohort, observed
from workflows.covariates import Covariate
from workflows.declare import Event, Model
from workflows.errors import DeclarationError
from workflows.outcome_steps import EventOrTime, RecordedOrTime
from workflows.steps import (
    AgeAtIndex,
    Eras,
    Excludes,
    Exit,
    FirstOfPerson,
    IndexDates,
    InObservation,
    MinimumTimeAtRisk,
    NoPriorOutcome,
    OfWindow,
    Requires,
    SexIs,
    Step,
    Washout,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Left:
    """What one step leaves: rows (encounters, where those enter) and persons that satisfy it and all before it."""

    step: int
    reason: str
    encounters: int
    persons: int


@dataclass(frozen=True)
class Selection:
    """rows: everything that entered, `_passed` of the steps that `reasons` names, after the entry itself."""

    rows: DataFrame
    reasons: tuple[str, ...]

    @property
    def members(self) -> DataFrame:
        """The rows that satisfy every step."""
        kept = self.rows.where(sf.col("_passed") == len(self.reasons) - 1)
        return kept.select(*(name for name in self.rows.columns if not name.startswith("_")))

    @property
    def index(self) -> DataFrame:
        """The index table: who, which row, when, and from which day to which."""
        return self.members.select("person_id", KEY, "index_datetime", "cohort_start", "cohort_end")

    def attrition(self) -> list[Left]:
        """What each step leaves, by one aggregate."""
        steps = range(len(self.reasons))
        # Per person first: distinct counts of many conditions would copy every row once a condition.
        per_person = self.rows.groupBy("person_id").agg(
            *(sf.count_if(sf.col("_passed") >= step).alias(f"_{step}") for step in steps)
        )
        row = per_person.agg(
            *(sf.sum(f"_{step}").alias(f"e{step}") for step in steps),
            *(sf.count_if(sf.col(f"_{step}") > 0).alias(f"p{step}") for step in steps),
        ).first()
        assert row is not None
        return [Left(step, self.reasons[step], row[f"e{step}"] or 0, row[f"p{step}"] or 0) for step in steps]


def completed_years(birth_date: Column, day: Column) -> Column:
    """Age in completed years: one more from the birthday on; born on 29 February, from 1 March in common years."""
    before_birthday = sf.date_format(day, "MMdd") < sf.date_format(birth_date, "MMdd")
    return sf.year(day) - sf.year(birth_date) - before_birthday.cast("int")


def of_model(model: Model) -> Cohort:
    """The cohort of a model, with its outcome in the steps that speak of it."""
    cohort, outcome = as_cohort(model.cohort), model.outcome
    steps: list[Step] = []
    for step in cohort.steps:
        if isinstance(step, NoPriorOutcome):
            if not isinstance(outcome, Event):
                raise DeclarationError(model.name, "cohort.steps", step, "an outcome that is an Event")
            steps.append(Excludes(concepts=outcome.concepts, window=step.window))
        elif isinstance(step, MinimumTimeAtRisk):
            if isinstance(outcome, Event):
                steps.append(EventOrTime(concepts=outcome.concepts, window=outcome.time_at_risk, days=step.days))
            else:
                steps.append(RecordedOrTime(name=outcome.name, equals=outcome.equals, days=step.days))
        else:
            steps.append(step)
    return Cohort(entry=cohort.entry, steps=steps)


def selection(cohort: Cohort, facts: Facts) -> Selection:
    """Everything that enters a cohort, and how many of its steps each row has passed."""
    frame = candidates(facts, cohort)
    rules: list[tuple[str, Column]] = []
    if isinstance(cohort.entry, InpatientStays):
        rules = [("inpatient stay", sf.col("is_inpatient_visit"))]
        if cohort.entry.at_risk:
            rules.append(("leaves the person at risk", sf.col("is_at_risk")))
        reason, asked = rules[-1]
        rules[-1] = (reason, asked & reached())
    else:
        frame = frame.where(reached())
    if observed(cohort):
        assert facts.observation is not None, "steps of observation need the observation periods"
        frame = in_periods(frame, facts.observation)
    if any(isinstance(step, EventOrTime) for step in cohort.steps):
        frame = frame.crossJoin(sf.broadcast(last_known(facts.encounters)))
    frame = counted(frame, facts, cohort.steps).withColumn("_passed", sf.lit(0))
    for place, (_, rule) in enumerate(rules, 1):
        frame = passed(frame, place, rule)
    for place, step in enumerate(cohort.steps, len(rules) + 1):
        frame = taken(frame, place, step, cohort.steps)
    reasons = (cohort.entry.reason, *(reason for reason, _ in rules), *(step.reason for step in cohort.steps))
    return Selection(frame, reasons)


def reached() -> Column:
    """Whether the index date is not after today: what is planned, open (9999-12-31) or mistyped is none yet.

    Where the source's time is only an order there is no date to ask.
    """
    return sf.coalesce(sf.to_date("index_datetime") <= sf.current_date(), sf.lit(True))


def passed(frame: DataFrame, place: int, rule: Column) -> DataFrame:
    """`frame` after the step at `place`: a rule that is not known to hold does not."""
    holds = (sf.col("_passed") == place - 1) & sf.coalesce(rule, sf.lit(False))
    return frame.withColumn("_passed", sf.when(holds, sf.lit(place)).otherwise(sf.col("_passed")))


def in_periods(frame: DataFrame, observation: DataFrame) -> DataFrame:
    """`frame` with the observation period that its index date lies in, `_from` and `_to`; null outside any."""
    days = frame.select("person_id", KEY, "index_datetime", sf.to_date("index_datetime").alias("_index"))
    return frame.join(engine.observed(days, observation, KEY).select(KEY, "_from", "_to"), KEY, "left")


def counted(frame: DataFrame, facts: Facts, steps: Sequence[Step]) -> DataFrame:
    """`frame` with `_count<n>` for each step that counts events: one scan of the events for all of one table.

    A step sees what was known at the index date; one that looks beyond it, what is said now.
    """
    index = frame.select("person_id", KEY, "index_datetime")
    scans: dict[tuple[str, bool], list[Covariate]] = {}
    for place, step in enumerate(steps):
        if not isinstance(step, OfWindow):
            continue
        if step.criterion.named:
            frame = frame.join(admissions(index, facts.encounters, step, place), KEY, "left")
        else:
            one = Covariate(column=f"{place}", feature=step.criterion, set_name=step.criterion.set_name)
            scans.setdefault((step.table, step.window.end > 0), []).append(one)
    for (table, beyond), some in sorted(scans.items()):
        assert facts.events is not None, "steps of events need the events"
        assert facts.codes is not None, "steps of events need their concept sets"
        events = of_table(facts.events, table)
        found = engine.wide(index, said_now(events) if beyond else events, facts.codes, some, key=KEY)
        columns = [sf.col(f"f_{one.column}").alias(f"_count{one.column}") for one in some]
        frame = frame.join(found.select(KEY, *columns), KEY, "left")
    return frame


def admissions(index: DataFrame, encounters: DataFrame, step: OfWindow, place: int) -> DataFrame:
    """How many other inpatient stays of the person begin in the window, by key; known as in `counted`."""
    others = other_encounters(index, encounters.where("is_inpatient_visit"))
    inside = sf.col("_day").between(step.window.start, step.window.end)
    if step.window.end <= 0:
        inside &= known_at(sf.col("index_datetime"), sf.col("_known"), sf.lit(None).cast("timestamp"))
    return others.groupBy(KEY).agg(sf.count_if(inside).alias(f"_count{place}"))


def taken(frame: DataFrame, place: int, step: Step, steps: Sequence[Step]) -> DataFrame:
    """`frame` after one step."""
    standing = sf.col("_passed") == place - 1
    in_order = Window.partitionBy("person_id", standing)
    if isinstance(step, FirstOfPerson):
        # A stay's order is that of its end, and its index date may be its start.
        first = sf.row_number().over(in_order.orderBy("index_datetime", "encounter_order", KEY)) == 1
        return passed(frame, place, first)
    if isinstance(step, Exit):
        ended = frame.withColumn("cohort_end", sf.when(standing, leaves(step)).otherwise(sf.col("cohort_end")))
        return passed(ended, place, sf.col("cohort_end") >= sf.col("cohort_start"))
    if isinstance(step, Eras):
        return in_eras(frame, place, step, standing)
    return passed(frame, place, rule(step, steps))


def leaves(step: Exit) -> Column:
    """The day on which a row leaves; null where any of the days that it depends on is not known."""
    ends = []
    if step.days is not None:
        ends.append(sf.date_add("cohort_start" if step.after == "start" else "cohort_end", step.days))
    if step.end_of_observation:
        ends.append(sf.col("_to"))
    # `least` passes over what is null.
    known = reduce(lambda a, b: a & b, [end.isNotNull() for end in ends])
    return sf.when(known, reduce(lambda a, b: sf.least(a, b), ends))


def in_eras(frame: DataFrame, place: int, step: Eras, standing: Column) -> DataFrame:
    """`frame` with the rows of an era as its first, which ends when the last of them does."""
    in_order = Window.partitionBy("person_id", standing).orderBy("cohort_start", "cohort_end", "encounter_order", KEY)
    before = sf.max("cohort_end").over(in_order.rowsBetween(Window.unboundedPreceding, -1))
    opens = sf.coalesce(sf.datediff("cohort_start", before) > step.gap, sf.lit(True))
    numbered = frame.withColumn("_opens", opens).withColumn("_era", sf.sum(sf.col("_opens").cast("int")).over(in_order))
    era = Window.partitionBy("person_id", standing, "_era")
    ended = numbered.withColumn("_until", sf.max("cohort_end").over(era)).withColumn(
        "cohort_end", sf.when(standing, sf.col("_until")).otherwise(sf.col("cohort_end"))
    )
    return passed(ended, place, sf.col("_opens")).drop("_opens", "_era", "_until")


def rule(step: Step, steps: Sequence[Step]) -> Column:
    """What must hold of a row, where that does not depend on other rows."""
    day = sf.to_date("index_datetime")
    if isinstance(step, InObservation):
        return sf.col("_from").isNotNull()
    if isinstance(step, Washout):
        return sf.datediff(day, "_from") >= step.days
    if isinstance(step, (MinimumTimeAtRisk, EventOrTime, RecordedOrTime)):
        stays = sf.datediff("_to", day) >= step.days
        # What waits for its outcome is not judged yet: it is there to be scored.
        if isinstance(step, EventOrTime):
            occurs = sf.coalesce(sf.col(f"_count{steps.index(step)}"), sf.lit(0)) > 0
            stays |= occurs | ~sf.coalesce(over(step.window.end), sf.lit(False))
        elif isinstance(step, RecordedOrTime):
            occurs = sf.coalesce(sf.col(f"outcome_{step.name}") == step.equals, sf.lit(False))
            stays |= occurs | ~told(step.name)
        # Who is not observed at the index date itself is not, whatever comes after it.
        return sf.col("_from").isNotNull() & stays
    if isinstance(step, AgeAtIndex):
        years = completed_years(sf.col("birth_date"), day)
        return years >= step.minimum if step.open else years.between(step.minimum, step.maximum)
    if isinstance(step, SexIs):
        return sf.col("sex") == step.sex
    if isinstance(step, IndexDates):
        return sf.lit(True) & reduce(
            lambda a, b: a & b,
            [day >= sf.lit(step.first).cast("date")] * bool(step.first)
            + [day <= sf.lit(step.last).cast("date")] * bool(step.last),
        )
    if isinstance(step, OfWindow):
        count = sf.coalesce(sf.col(f"_count{steps.index(step)}"), sf.lit(0))
        return count >= step.at_least if isinstance(step, Requires) else count == 0
    raise TypeError(f"{type(step).__name__} is no step that a row alone decides")


def last_known(encounters: DataFrame) -> DataFrame:
    """One row, `_last`: the last date whose outcomes are known, from the part of the order that is known."""
    # The last start, as what has begun was recorded by then. An end may be one that nobody has seen yet, such as
    # 9999-12-31 of an open stay, and would make every outcome known that has not happened so far. So would a start that
    # is planned or mistyped.
    begun = sf.col("outcome_known") & (sf.to_date("visit_start_datetime") <= sf.current_date())
    return encounters.where(begun).agg(sf.to_date(sf.max("visit_start_datetime")).alias("_last"))


def over(end: int) -> Column:
    """Whether a time at risk that ends on day `end` was over on `_last`."""
    return sf.col("outcome_known") & (sf.date_add(sf.to_date("index_datetime"), end) <= sf.col("_last"))


def told(name: str) -> Column:
    """Whether the source told a row's outcome by now."""
    return sf.col("outcome_known") & sf.col(f"outcome_{name}").isNotNull()


def matured(model: Model) -> Column:
    """Whether a row's outcome can be known: recorded by then, or its time at risk is over."""
    if isinstance(model.outcome, Event):
        return over(model.outcome.time_at_risk.end)
    return told(model.outcome.name)


def landmark(index: DataFrame, day: int) -> DataFrame:
    """`index` moved `day` days later, without those who are not followed until then (`followed_until`)."""
    moved = sf.date_add(sf.to_date("index_datetime"), day)
    return index.where(sf.col("followed_until") >= moved).withColumn("index_datetime", moved.cast("timestamp"))
