"""The feature table of one model, and the attrition of its cohort."""

from __future__ import annotations

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.release import nested
from workflows.cohorts import criteria, observed
from workflows.covariates import CODE_SCHEMA, REFERENCE_SCHEMA, code_rows, covariates, reference, sets_of
from workflows.declare import Model
from workflows.features import Feature, OfConcepts, OfEvents
from workflows.sources import named

ATTRITION_SCHEMA = "job_run_id string, step int, reason string, encounters long, persons long"


def features() -> None:
    """Entry point."""
    run(_features)


def _features(task: Task) -> None:
    from jobs.featurize.cohort import of_model, selection
    from jobs.featurize.entries import Facts
    from jobs.featurize.features import feature_table

    model = task.declaration
    if not isinstance(model, Model):
        raise TaskError(f"features: {model.name} is a {type(model).__name__}; valid: a Model")
    source = named(model.source)
    encounters_name, events_name = f"{source.name}_ra.fact_encounter_index", f"{source.name}_ra.fact_person"
    cohort = of_model(model)
    in_observation = any(isinstance(one, OfConcepts) and one.in_observation for one in model.features)
    names = [encounters_name, events_name]
    if in_observation or observed(cohort):
        names.append(f"{source.name}_ra.fact_observation_period")
    inputs = task.tables.inputs(*names)
    encounters, events, *observation = (task.tables.read(name, inputs[name]) for name in names)
    of_events: list[Feature | OfEvents] = [*model.features, *criteria(cohort)]
    sets = sets_of(of_events, source.collections)
    codes = code_rows(of_events, sets)
    concepts = task.spark.createDataFrame(codes, CODE_SCHEMA)
    periods = observation[0] if observation else None
    frame = feature_table(encounters, events, concepts, model, source, sets, periods)
    facts = Facts(encounters=encounters, events=events, concepts=concepts, observation=periods)
    steps = selection(cohort, facts).attrition()
    # Few persons hide their encounters too: a count of encounters would tell them apart.
    persons, stays = nested([step.persons for step in steps]), nested([step.encounters for step in steps])
    rows = [
        (task.job_run_id, step.step, step.reason, *((None, None) if None in (there, stay) else (stay, there)))
        for step, there, stay in zip(steps, persons, stays, strict=True)
    ]
    for _, step, reason, stay, there in rows:
        left = "few, or few less than before" if stay is None else f"{stay:,} encounters, {there:,} persons"
        task.log(f"attrition {step}, {reason}: {left}")
    if empty := next((step for step in steps if step.encounters == 0), None):
        raise TaskError(f"{model.name}: nothing in {source.name} is left after step {empty.step}, {empty.reason}")
    version = task.tables.replace(f"{source.name}_ra.feature_{model.name}", frame, inputs)
    described = reference(covariates(model.features, sets), codes)
    if described:
        name = f"{source.name}_ra.covariates_{model.name}"
        task.tables.replace(name, task.spark.createDataFrame(described, REFERENCE_SCHEMA), inputs)
    task.tables.append(f"{model.name}.attrition", task.spark.createDataFrame(rows, ATTRITION_SCHEMA), inputs)
    task.log(f"{source.name}_ra.feature_{model.name} is at version {version}")
