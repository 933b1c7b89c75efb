"""The feature table of one model, and the attrition of its cohort."""

from __future__ import annotations

from jobs.disclosure import shown, suppressed
from jobs.errors import TaskError
from jobs.io.context import Task, run
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
    for step in steps:
        task.log(
            f"attrition {step.step}, {step.reason}: {shown(step.encounters)} encounters, {shown(step.persons)} persons"
        )
    if steps[-1].encounters == 0:
        raise TaskError(f"{model.name}: no encounter of {source.name} satisfies the cohort; see the attrition above")
    version = task.tables.replace(f"{source.name}_ra.feature_{model.name}", frame, inputs)
    described = reference(covariates(model.features, sets), codes)
    if described:
        name = f"{source.name}_ra.covariates_{model.name}"
        task.tables.replace(name, task.spark.createDataFrame(described, REFERENCE_SCHEMA), inputs)
    rows = [
        # Few persons hide their encounters too: a count of encounters would tell them apart.
        (
            task.job_run_id,
            step.step,
            step.reason,
            suppressed(step.persons) and step.encounters,
            suppressed(step.persons),
        )
        for step in steps
    ]
    task.tables.append(f"{model.name}.attrition", task.spark.createDataFrame(rows, ATTRITION_SCHEMA), inputs)
    task.log(f"{source.name}_ra.feature_{model.name} is at version {version}")
