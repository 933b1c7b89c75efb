"""The cohort of one model, its attrition, and its feature table; what is there already is not made again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.model.definition import DEFINITION, definition
from jobs.model.names import Names, declared_model
from jobs.quality.cohort import attrition, attrition_before, members_before
from jobs.quality.kinds import families
from jobs.quality.record import describe, held
from jobs.tasks.hold import hold
from jobs.tasks.unreached import kept
from jobs.tasks.withdrawn import leave_out
from workflows.cohorts import criteria, used
from workflows.contracts.feature_table import feature_contract
from workflows.covariates import CodeRow, code_rows, covariates, sets_of
from workflows.declare import Model
from workflows.feature_columns import feature_columns
from workflows.feature_reference import REFERENCE_SCHEMA, rows
from workflows.features import Derived
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.featurize.cohort import Selection
    from jobs.featurize.entries import Facts
    from jobs.quality.cohort import Shown

ATTRITION_SCHEMA = "job_run_id string, step int, reason string, encounters long, persons long"
Codes = Sequence[CodeRow]


def features() -> None:
    """Entry point."""
    run(_features)


def facts_of(task: Task, inputs: Mapping[str, int], codes: Codes) -> Facts:
    """The fact tables at the versions of `inputs`."""
    from jobs.featurize.entries import Facts

    tables = {name.partition(".")[2]: task.tables.read(name, version) for name, version in inputs.items()}
    return Facts(
        encounters=tables["fact_encounter_index"],
        events=tables["fact_person"],
        observation=tables.get("fact_observation_period"),
        codes=codes,
    )


def content(task: Task, codes: Codes, *parts: Any) -> str:
    """A hash of all that decides a table but its inputs: definitions, codes, and the code that reads them."""
    return digest(task.commit, parts, codes)


def refuse_restated(task: Task, model: Model, table: str, name: str, version: int, encounters: DataFrame) -> list[str]:
    """Raise TaskError if an attribute of old encounters changed since `table` was made: it looks ahead.

    The attributes that somebody says the source corrected, now or when `table` was made from this version.
    """
    from jobs.featurize import restated

    names = restated.attributes(model)
    corrected = {one.strip() for one in task.parameters.get("corrected", "").split(",")} - {""}
    if unknown := sorted(corrected - set(names)):
        valid = ", ".join(names) or "none"
        raise TaskError(f"features: corrected = {', '.join(unknown)!r} is not valid for {model.name}; valid: {valid}")
    if not names:
        return []
    said = task.tables.commits.noted(table, "content") if task.tables.exists(table) else {}
    made_from = said.get("inputs", {}).get(name, version)
    if made_from == version:
        corrected |= set(said.get("corrected", ()))
    before = min(made_from, version - 1)
    judged = [one for one in names if one not in corrected]
    if judged and task.tables.commits.same_code(name, before, version):
        old, index = task.tables.read(name, before), restated.index_column(model, named(model.source))
        restated.refuse(model.name, *restated.changed(old, encounters, judged, index))
        task.log(f"{', '.join(judged)}: not restated since version {before} of {name}")
    if corrected:
        task.log(f"{', '.join(sorted(corrected))}: said to be corrected by the source; not judged")
    return sorted(corrected)


def _features(task: Task) -> None:
    from jobs.featurize.cohort import of_model, selection
    from jobs.featurize.columns import documented
    from jobs.featurize.features import features_of

    model = declared_model(task.declaration)
    names = Names.of(model)
    source, cohort = named(model.source), of_model(model)
    inputs = task.tables.inputs(*used(source, cohort, model.features))
    sets = sets_of(model.of_events, source.collections)
    codes = code_rows(model.of_events, sets)
    whom = content(task, code_rows(criteria(cohort), sets_of(criteria(cohort), source.collections)), cohort)
    what = content(task, codes, cohort, model.outcome, model.features)
    members, table = f"{source.name}_ra.cohort_{model.name}", names.features
    facts = facts_of(task, inputs, codes)
    encounters = f"{source.name}_ra.fact_encounter_index"
    corrected = refuse_restated(task, model, table, encounters, inputs[encounters], facts.encounters)
    chosen = selection(cohort, facts)
    before = cache(partial(members_before, task, names.table("attrition"), table))
    if (whose := task.tables.made(members, whom, inputs)) is None:
        told(task, model, chosen, before(), inputs)
        whose = task.tables.replace(members, chosen.index, inputs, {"content": whom})
        task.log(f"{members} is at version {whose}")
    else:
        task.log(f"{members} stays at version {whose}: the same definition of the same inputs")
    version = task.tables.made(table, what, inputs)
    if version is not None and held(task, table, version):
        describe_columns(task, model, what, inputs, codes)
        task.log(f"{table} stays at version {version}: the same definition of the same inputs")
        return
    some = covariates(model.features, sets)
    written = task.tables.read(members, whose)
    stays = kept(task, table, what, inputs, written, some)
    made = features_of(chosen, facts, model, source, sets, stays, written)
    types = dict(facts.encounters.dtypes)
    texts = [name for name in source.attributes if types.get(f"attr_{name}") == "string"]
    refuse_texts(model, texts)
    contract = feature_contract(model, source, sets, texts)
    note = {"content": what, DEFINITION: definition(model, source, cohort)} | (
        {"corrected": corrected} if corrected else {}
    )
    version = task.tables.replace(table, documented(made, contract), inputs, note)
    leave_out(task, source.name, members)
    version = leave_out(task, source.name, table) or version
    # The statistics first: of what the report says that it kept its contract, nothing is done again.
    related = families(model.features, sets, codes)
    hold(task, source, contract, version, lambda: describe(task, table, version, related, before()[0]), encounters)
    describe_columns(task, model, what, inputs, codes)
    task.log(f"{table} is at version {version}")


def describe_columns(task: Task, model: Model, content: str, inputs: Mapping[str, int], codes: Codes) -> None:
    """The feature reference of a table that stands: of one that went back, it would say what another is."""
    source = named(model.source)
    name = f"{source.name}_ra.covariates_{model.name}"
    if task.tables.made(name, content, inputs) is None:
        some = feature_columns(model, source, sets_of(model.of_events, source.collections))
        task.tables.replace(
            name, task.spark.createDataFrame(rows(some, codes), REFERENCE_SCHEMA), inputs, {"content": content}
        )


def refuse_texts(model: Model, texts: Collection[str]) -> None:
    """Raise TaskError where a derived column is made of an attribute that is text: only the facts say which are."""
    for feature in model.features:
        if isinstance(feature, Derived) and (wrong := [name for name in feature.of if name in texts]):
            raise TaskError(
                f"features: {model.name}: {feature.name} of {', '.join(wrong)} is not valid: text in the facts; "
                "valid: columns that are numbers"
            )


def told(
    task: Task, model: Model, chosen: Selection, known: tuple[Shown, Collection[int]], inputs: Mapping[str, int]
) -> None:
    """Log and keep what each step leaves; raise if that is nothing. known: as of `members_before`."""
    steps, name = chosen.attrition(), Names.of(model).table("attrition")
    before = attrition_before(task, name, [(step.step, step.reason) for step in steps])
    shown = attrition([(step.encounters, step.persons) for step in steps], before, *known)
    rows = [
        (task.job_run_id, step.step, step.reason, *(counts or (None, None)))
        for step, counts in zip(steps, shown, strict=True)
    ]
    for _, step, reason, stay, there in rows:
        left = "few, or few less than before" if stay is None else f"{stay:,} encounters"
        left += "" if there is None else f", {there:,} persons"
        task.log(f"attrition {step}, {reason}: {left}")
    if empty := next((step for step in steps if step.encounters == 0), None):
        raise TaskError(f"{model.name}: nothing in {model.source} is left after step {empty.step}, {empty.reason}")
    # A task that is tried again, after it died before the members were written, tells each step once.
    task.tables.merge(name, task.spark.createDataFrame(rows, ATTRITION_SCHEMA), ["job_run_id", "step"], inputs)
