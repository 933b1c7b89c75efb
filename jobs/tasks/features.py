"""The feature table of one model, and the attrition of its cohort."""

from __future__ import annotations

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.record import attrition_before, describe
from jobs.release import nested
from workflows.covariates import REFERENCE_SCHEMA, code_rows, covariates, reference, sets_of
from workflows.declare import Model
from workflows.features import OfConcepts
from workflows.sources import named

CONCEPT_SCHEMA = "collection string, concept_set_name string, vocabulary_id string, code string"
ATTRITION_SCHEMA = "job_run_id string, step int, reason string, encounters long, persons long"


def features() -> None:
    """Entry point."""
    run(_features)


def _features(task: Task) -> None:
    from jobs.featurize.cohort import attrition
    from jobs.featurize.features import feature_table

    model = task.declaration
    if not isinstance(model, Model):
        raise TaskError(f"features: {model.name} is a {type(model).__name__}; valid: a Model")
    source = named(model.source)
    encounters_name, events_name = f"{source.name}_ra.fact_encounter_index", f"{source.name}_ra.fact_person"
    observed = any(isinstance(one, OfConcepts) and one.in_observation for one in model.features)
    names = [encounters_name, events_name] + [f"{source.name}_ra.fact_observation_period"] * observed
    inputs = task.tables.inputs(*names)
    encounters, events, *observation = (task.tables.read(name, inputs[name]) for name in names)
    sets = sets_of(model.features, source.collections)
    codes = code_rows(model.features, sets)
    frame = feature_table(
        encounters,
        events,
        task.spark.createDataFrame(codes, CONCEPT_SCHEMA),
        model,
        source,
        sets,
        *observation,
    )
    steps = attrition(encounters, model)
    # Few persons hide their encounters too: a count of encounters would tell them apart.
    before = attrition_before(task, f"{model.name}.attrition", [(step.step, step.reason) for step in steps])
    persons = nested([step.persons for step in steps], before["persons"])
    stays = nested([step.encounters for step in steps], before["encounters"])
    rows = [
        (task.job_run_id, step.step, step.reason, *((None, None) if None in (there, stay) else (stay, there)))
        for step, there, stay in zip(steps, persons, stays, strict=True)
    ]
    for _, step, reason, stay, there in rows:
        left = "few, or few less than before" if stay is None else f"{stay:,} encounters, {there:,} persons"
        task.log(f"attrition {step}, {reason}: {left}")
    if steps[-1].encounters == 0:
        raise TaskError(f"{model.name}: no encounter of {source.name} satisfies the cohort; see the attrition above")
    version = task.tables.replace(f"{source.name}_ra.feature_{model.name}", frame, inputs)
    described = reference(covariates(model.features, sets), codes)
    if described:
        name = f"{source.name}_ra.covariates_{model.name}"
        task.tables.replace(name, task.spark.createDataFrame(described, REFERENCE_SCHEMA), inputs)
    task.tables.append(f"{model.name}.attrition", task.spark.createDataFrame(rows, ATTRITION_SCHEMA), inputs)
    describe(task, f"{source.name}_ra.feature_{model.name}", version)
    task.log(f"{source.name}_ra.feature_{model.name} is at version {version}")
