"""The jobs of every declaration as directed acyclic graphs: plain data, no cdktf, no stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra import names
from infra.roles import On, Principal, Role
from workflows.declare import Batch, Declaration, Featurization, Model, Reference
from workflows.discover import NOTES
from workflows.updates import Continuous, Scheduled, Updates

TASK_TIMEOUT = 3600
SCHEDULES = {"hourly": "0 30 * * * ?", "daily": "0 0 4 * * ?", "weekly": "0 0 4 ? * MON", "monthly": "0 0 4 1 * ?"}
APPROVAL = ("approved_by", "reason")
UNSEALING = ("minutes", "reason", "requested_by", "ticket")
FEATURIZE_AT, FEATURES_AT, MONITOR_AT = "0 0 2 * * ?", "0 0 3 * * ?", "0 0 6 * * ?"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One node. Exactly one of entry_point (a wheel task), condition (left, operator, right) and runs (a job) is set.

    after: (key of a task, the outcome of that condition or None). parameters: named parameters of the wheel task, or
    job parameters of the job it runs; dynamic references stay as Databricks spells them, and None is what the stage's
    row gives it: nobody who runs the job gives another.
    """

    key: str
    after: tuple[tuple[str, str | None], ...] = ()
    entry_point: str = ""
    condition: tuple[str, str, str] | None = None
    runs: str = ""
    parameters: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """One job. parameters: name -> default, None where the stage's row gives it. schedule: Quartz, UTC, if any.

    told: the operators hear of every start and end, in every stage, and what failed is not tried again.
    source: whose persons it works on; empty where there are none. updates: what starts it, where that is declared.
    """

    declared: str
    purpose: On
    source: str
    cluster: str
    run_as: Principal
    tasks: tuple[Task, ...]
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    schedule: str | None = None
    told: bool = False
    updates: Updates | None = None

    @property
    def name(self) -> str:
        """The job's name and address."""
        return names.job(self.declared, self.purpose.value[0])

    @property
    def condition(self) -> str:
        """Of the tables that it waits for: a delivery brings all of a source's, but one of the facts may move alone."""
        return "ANY_UPDATED" if self.updates is None else "ALL_UPDATED"


# Beside a stay that is new, its events and its person's observation are those of the same delivery.
TOLD_OF_STAYS, LAST = ("fact_person", "fact_observation_period"), ("fact_encounter_index",)


def task(key: str, *after: str, entry_point: str = "", **parameters: str) -> Task:
    """A wheel task; its entry point is called as the task unless said otherwise."""
    return Task(
        key=key, after=tuple((one, None) for one in after), entry_point=entry_point or key, parameters=parameters
    )


def condition(key: str, after: str, left: str) -> Task:
    """Whether the value `left` is "true"."""
    return Task(key=key, after=((after, None),), condition=(left, "EQUAL_TO", "true"))


def parameter(name: str) -> str:
    """A reference to a job parameter."""
    return f"{{{{job.parameters.{name}}}}}"


def value(key: str, name: str) -> str:
    """A reference to a value that a task sets."""
    return f"{{{{tasks.{key}.values.{name}}}}}"


def featurization_jobs(one: Featurization) -> tuple[JobPlan, ...]:
    """Contract checks, then one task a table, encounters after what is told of them: where that fails, they stay too,
    and no stay of a delivery is beside the events of the one before. Withdrawal; break-glass; the Feature Analyst's
    approval. What runs without end does all of it in one task."""
    sample = {"person_sample": parameter("person_sample")}
    of_table: dict[str, dict[str, str]] = {
        "fact_encounter_index": sample | {"outcomes_through": parameter("outcomes_through")},
        "fact_provider": {},
    }
    parameters: dict[str, str | None] = {"outcomes_through": "1.0", "person_sample": None}
    if one.history:
        parameters["rebuild"] = "false"
        of_table["fact_person"] = sample | {"rebuild": parameter("rebuild")}
    made = sorted((table for table in one.tables if table not in NOTES), key=lambda table: table in LAST)
    before = [table for table in made if table in TOLD_OF_STAYS] or ["check"]
    facts = (
        task(table, *(before if table in LAST else ["check"]), entry_point="facts", table=table,
             **of_table.get(table, sample))
        for table in made
    )  # fmt: skip
    tasks = (task("check"), *facts, *note_tasks(one))
    if isinstance(one.updates, Continuous):
        # https://docs.databricks.com/en/jobs/continuous.html: "You cannot use task dependencies with a continuous job."
        wanted = {name: parameter(name) for name in parameters}
        notes = (table for table in NOTES if table in one.tables)
        tasks = (task("featurize", tables=",".join((*made, *notes)), **wanted),)
    return (
        JobPlan(
            declared=one.name, purpose=On.FEATURIZE, source=one.source, cluster=one.cluster,
            run_as=Principal.FEATURIZE, tasks=tasks, parameters=parameters,
            schedule=one.updates.at if isinstance(one.updates, Scheduled) else FEATURIZE_AT, updates=one.updates,
        ),
        JobPlan(
            declared=one.name, purpose=On.WITHDRAW, source=one.source, cluster=one.cluster,
            run_as=Principal.FEATURIZE, tasks=(task("withdraw", request=parameter("request")),),
            parameters={"request": ""},
        ),
        JobPlan(
            declared=one.name, purpose=On.UNSEAL, source=one.source, cluster=one.cluster, run_as=Principal.DEPLOY,
            tasks=(task("unseal", group=Role.R6.value, **{name: parameter(name) for name in UNSEALING}),),
            parameters=dict.fromkeys(UNSEALING, ""), told=True,
        ),
        JobPlan(
            declared=one.name, purpose=On.APPROVE, source=one.source, cluster=one.cluster, run_as=Principal.FEATURIZE,
            tasks=(task("approve", **{name: parameter(name) for name in APPROVAL}),),
            parameters=dict.fromkeys(APPROVAL, ""),
        ),
    )  # fmt: skip


def note_tasks(one: Featurization) -> tuple[Task, ...]:
    """One task a table of notes, each after the one it is made of; then the sentences are accepted or not."""
    made = [table for table in NOTES if table in one.tables]
    tables = [
        task(table, before, entry_point="notes", table=table)
        for before, table in zip(("check", *made), made, strict=False)
    ]
    return (*tables, *([task("note_acceptance", "note_sentences")] if "note_sentences" in made else []))


def reference_jobs(one: Reference) -> tuple[JobPlan, ...]:
    """Reference data when they are delivered, then the concept sets that are held against them."""
    return (
        JobPlan(
            declared=one.name, purpose=On.FEATURIZE, source="", cluster=one.cluster, run_as=Principal.FEATURIZE,
            tasks=(task("reference"), task("concept_sets", "reference")),
        ),
    )  # fmt: skip


def training(model: Model, *, validation: bool = False) -> tuple[Task, ...]:
    """Prepare, tune, train, evaluate: the same chain for training and for the validation of a method."""
    version = {"dataset_version": value("prepare", "dataset_version")}
    tracked = {"experiment": names.experiment(model.name, validation=validation)}
    tuned = {"parameters": value("tune", "parameters"), "parent_run_id": value("tune", "run_id")}
    return (
        task("prepare"),
        task("tune", "prepare", **version, **tracked),
        task("train", "tune", **version, **tracked, **tuned),
        task("evaluate", "train", run_id=value("train", "run_id"), **version),
    )


def model_jobs(model: Model) -> tuple[JobPlan, ...]:
    """Everything a model needs from its features to its retraining."""

    def plan(
        purpose: On, run_as: Principal, tasks: tuple[Task, ...], schedule: str | None = None, **parameters: str
    ) -> JobPlan:
        return JobPlan(declared=model.name, purpose=purpose, source=model.source, cluster=model.cluster, run_as=run_as,
                       tasks=tasks, parameters=parameters, schedule=schedule)  # fmt: skip

    requested = {"requested_by": "{{job.run_id}}"}
    run = {"run_id": value("train", "run_id")}
    version = {"model_version": parameter("model_version")}
    registered = task("register", "evaluate", requested_by=parameter("requested_by"), **run)
    recorded = task("record", "evaluate", dataset_version=value("prepare", "dataset_version"), **run)
    approvals = {"approved_by": parameter("approved_by"), "validated_by": parameter("validated_by")}
    passed = (("gates_passed", "true"),)
    # Not proved here: that who may run the job cannot name another catalog than `validated_in` of the deployed task.
    # Why: the sandbox refuses a parameter that the job does not declare. On Azure: run a promote job in prod with an
    # undeclared job parameter `validated_in`, and with `python_named_params`; both must be refused or change nothing.
    promotion = (
        task("judge", **version),
        condition("gates_passed", "judge", value("judge", "passed")),
        Task(
            key="promote",
            after=passed,
            entry_point="promote",
            parameters={**version, **approvals, "validated_in": None},
        ),
    )
    observation = (
        task("observe"),
        condition("retrain_needed", "observe", value("observe", "retrain")),
        Task(key="retrain", after=(("retrain_needed", "true"),), runs=names.job(model.name, "retrain")),
    )
    retraining = (
        Task(key="train", runs=names.job(model.name, "train"), parameters=requested),
        task("judge", "train", model_version="", **requested),
    )
    batches = [one for one in model.serve if isinstance(one, Batch)]
    most_often = min((list(SCHEDULES).index(one.schedule) for one in batches), default=None)
    scored = None if most_often is None else list(SCHEDULES.values())[most_often]
    return (
        plan(
            On.FEATURIZE,
            Principal.FEATURIZE,
            (task("features", corrected=parameter("corrected")),),
            FEATURES_AT,
            corrected="",
        ),
        plan(On.TRAIN, Principal.TRAIN, (*training(model), registered), requested_by=""),
        plan(On.VALIDATE, Principal.TRAIN, (*training(model, validation=True), recorded)),
        plan(On.PROMOTE, Principal.PROMOTE, promotion, approved_by="", model_version="", validated_by=""),
        plan(On.SCORE, Principal.SERVE, (task("score"),), scored),
        plan(On.MONITOR, Principal.SERVE, observation, MONITOR_AT),
        plan(On.RETRAIN, Principal.TRAIN, retraining),
    )


def jobs(declaration: Declaration) -> tuple[JobPlan, ...]:
    """The jobs of a declaration, each after those it runs."""
    if isinstance(declaration, Reference):
        made = reference_jobs(declaration)
    else:
        made = featurization_jobs(declaration) if isinstance(declaration, Featurization) else model_jobs(declaration)
    by_name = {one.name: one for one in made}
    ordered: dict[str, JobPlan] = {}

    def visit(one: JobPlan) -> None:
        for other in one.tasks:
            if other.runs:
                visit(by_name[other.runs])
        ordered[one.name] = one

    for one in made:
        visit(one)
    return tuple(ordered.values())


def timeout(one: JobPlan, known: Mapping[str, int]) -> int:
    """Seconds until a job is stopped: its tasks' in sum, as if none overlapped. known: those of the jobs it runs."""
    return sum(known[task.runs] if task.runs else TASK_TIMEOUT for task in one.tasks if task.condition is None)
