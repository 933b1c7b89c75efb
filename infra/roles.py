"""Who may do what: role or service principal x thing x stage, each row with the seed's sentence it comes from.

Roles are Entra groups that no stage creates. R1, R3 and R5 see persons only through the group of a dataset
(`cdh-ml-feature-analysts-uci130`), a member of the role's own group: who may see one source does not see another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from infra import names
from infra.securables import LEVELS, checked_right, strongest
from infra.stages import Stage, StageName


class Role(StrEnum):
    """The roles of the seed, by the name of their group."""

    R1 = "cdh-ml-principal-investigators"
    R2 = "cdh-ml-architects"
    R3 = "cdh-ml-data-science-analysts"
    R4 = "cdh-ml-data-managers"
    R5 = "cdh-ml-feature-analysts"
    R6 = "cdh-ml-mlops-engineers"
    R7 = "cdh-ml-engineers"


class Principal(StrEnum):
    """The service principals of a stage. Only they own and run anything."""

    DEPLOY = "sp-deploy"
    FEATURIZE = "sp-featurize"
    PROMOTE = "sp-promote"
    SERVE = "sp-serve"
    TRAIN = "sp-train"


class On(Enum):
    """What a row is about: (what it is called, what kind of securable or workspace object it is)."""

    CATALOG = ("catalog", "catalog")
    CURATED = ("curated", "schema")
    EXPLORATORY = ("exploratory", "schema")
    FEATURES = ("features", "schema")
    ML = ("ml", "schema")
    REFERENCE = ("reference", "schema")
    MODEL_ZONE = ("model zone", "schema")
    ARTIFACTS = ("artifacts", "volume")
    CHECKPOINTS = ("checkpoints", "volume")
    EXPORTS = ("exports", "volume")
    LANDING = ("landing", "volume")
    CREDENTIAL = ("storage credential", "storage_credential")
    LOCATION = ("external location", "external_location")
    REGISTERED_MODEL = ("registered model", "model")
    FEATURIZE = ("featurize", "job")
    TRAIN = ("train", "job")
    VALIDATE = ("validate", "job")
    PROMOTE = ("promote", "job")
    SCORE = ("score", "job")
    MONITOR = ("monitor", "job")
    RETRAIN = ("retrain", "job")
    WITHDRAW = ("withdraw", "job")
    UNSEAL = ("unseal", "job")
    APPROVE = ("approve", "job")
    EXPERIMENT = ("experiment", "experiment")
    VALIDATION_EXPERIMENT = ("validation experiment", "experiment")
    FOLDER = ("folder", "directory")
    POLICY = ("cluster policy", "cluster-policy")
    STATUS = ("platform status", "directory")
    ALERTS = ("platform alerts", "directory")
    MONITORS = ("quality monitors", "directory")
    DASHBOARD = ("dashboard", "dashboard")
    WAREHOUSE = ("warehouse", "warehouse")
    ENDPOINT = ("endpoint", "endpoint")
    SECRETS = ("secrets", "secret-scope")
    WORKSPACE = ("workspace", "workspace")

    @property
    def securable(self) -> str:
        """The kind of thing, as `securables` names it."""
        return self.value[1]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Each of `who` has `rights` on each of `on` in each of `stages`, because the seed says so."""

    who: tuple[Role | Principal, ...]
    on: tuple[On, ...]
    rights: tuple[str, ...]
    stages: frozenset[StageName]
    because: str


@dataclass(frozen=True, kw_only=True)
class Access:
    """What one principal has on one thing; `principal` is the group's name, or which service principal."""

    principal: str | Principal
    rights: tuple[str, ...]


OWNER_LEVEL = "the stage's owner level"
# Who sees persons, and so only those of the datasets they are cleared for.
BY_DATASET = frozenset({Role.R1, Role.R3, Role.R5})
ANALYSTS = (Role.R3, Role.R5)
DEV, VALIDATION, PROD = (frozenset({name}) for name in StageName)
ALL = DEV | VALIDATION | PROD
JOBS = (On.FEATURIZE, On.TRAIN, On.VALIDATE, On.PROMOTE, On.SCORE, On.MONITOR, On.RETRAIN)
EXPERIMENTS = (On.EXPERIMENT, On.VALIDATION_EXPERIMENT)
WATCHED = (On.STATUS, On.ALERTS, On.DASHBOARD)
READ = ("SELECT", "USE_SCHEMA")
WRITE = ("CREATE_TABLE", "MODIFY", "SELECT", "USE_SCHEMA")

OWN = "MLOps Service Accounts own both the development and production environment"
PIPELINES = (
    "These pipelines compute fresh feature values, train and test new model versions, publish predictions to "
    "downstream tables or applications, and monitor the entire process"
)
DEVELOP = "Data Science Analysts develop featurization data, feature definitions, and explore methods."
SEE = "visibility to test results, logs, model artifacts, and production pipeline status"
COLLABORATE = "Collaboration ensures the possibility to work collaboratively on data, model, and code."
VALIDATES = "Validates preliminary model results on validation Feature Store appropriate for initial validation"
OWNER = "Owner of Production Model Experiment"
REGISTERS = "Registers Experiment Runs as Models for deployment, defines which Production Models are refreshed"
ARCHITECT = "designs the architecture and defines the technologies to be used, following a thorough evaluation"
MANAGER = "orchestrating production Databricks Jobs Workflows for Featurization (data pipelines)"
FEATURE_ANALYST = "The tasks include transforming, cleansing, data standardization, and feature engineering."
PROMOTES = "promotes code from Dev to Validation, and approves promotion to Production for full Featurization runs"
OPERATES = "builds up and operates the ML infrastructure, manages the automated ML workflow pipelines"
APPROVES = "Upon approval of ML Engineer and validation by Data Science Analyst, the code can be promoted"
TRACKED = "Metadata tracking and logging is required for each training job iteration"
WATCHES = "monitors both the deployed model and the ML infrastructure"
PUBLISHED = "Batch jobs typically publish predictions to Lakehouse tables, over a JDBC connection, or to flat files."
SERVED = "deploys the model for production serving"
ONLINE = "For real-time predictions, features must come from the online database"
INFRASTRUCTURE = "manages the model-serving computation infrastructure"
# The seed says nothing of withdrawal; this is the nearest.
CONTROLLED = "Access control and versioning are key components of any software operations process."
PULLED = "For each task, the required artifacts (e.g., images) are pulled from the artifact store"


def row(who: Iterable[Role | Principal], on: Iterable[On], rights: Iterable[str], because: str,
        stages: frozenset[StageName] = ALL) -> Row:  # fmt: skip
    """A row of the matrix; a right that the thing does not know is refused."""
    made = Row(who=tuple(who), on=tuple(on), rights=tuple(rights), stages=stages, because=because)
    for thing in made.on:
        for right in made.rights:
            if right != OWNER_LEVEL:
                checked_right(thing.securable, right, f"{', '.join(made.who)} on {thing.value[0]}")
    return made


# fmt: off
MATRIX: tuple[Row, ...] = (
    # Service principals. sp-deploy owns what it creates; sp-promote owns registered models, since only an owner
    # may set an alias (see the constructs): ownership is no grant.
    row(Principal, (On.CATALOG,), ("USE_CATALOG",), PIPELINES),
    # All of them run jobs: the deployer's is break-glass.
    row(Principal, (On.ML,), WRITE, TRACKED),
    row(Principal, (On.ARTIFACTS,), ("READ_VOLUME",), PULLED),
    row(Principal, (On.POLICY,), ("CAN_USE",), PIPELINES),
    row((Principal.FEATURIZE,), (On.FEATURES, On.MODEL_ZONE, On.REFERENCE), WRITE, PIPELINES),
    row((Principal.FEATURIZE,), (On.CURATED,), READ, PIPELINES),
    row((Principal.FEATURIZE,), (On.LANDING,), ("READ_VOLUME",), PIPELINES),
    row((Principal.FEATURIZE, Principal.SERVE), (On.CHECKPOINTS,), ("READ_VOLUME", "WRITE_VOLUME"), PIPELINES),
    row((Principal.SERVE,), (On.EXPORTS,), ("READ_VOLUME", "WRITE_VOLUME"), PIPELINES),
    row((Principal.DEPLOY,), (On.CREDENTIAL,), ("CREATE_EXTERNAL_LOCATION",), OWN),
    row((Principal.DEPLOY,), (On.LOCATION,), ("CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE"), OWN),
    # Who withdraws leaves every zone, the curated one too; only its own job takes rows out there (ADR 22).
    row((Principal.FEATURIZE,), (On.CURATED,), ("MODIFY",), CONTROLLED),
    row((Principal.FEATURIZE,), (On.EXPLORATORY,), ("MODIFY", "SELECT", "USE_SCHEMA"), CONTROLLED, DEV),
    row((Principal.TRAIN, Principal.SERVE), (On.FEATURES,), READ, PIPELINES),
    row((Principal.TRAIN, Principal.PROMOTE, Principal.SERVE), (On.MODEL_ZONE,), WRITE, PIPELINES),
    row((Principal.TRAIN,), (On.REGISTERED_MODEL,), ("APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE"), PIPELINES),
    row((Principal.SERVE,), (On.REGISTERED_MODEL,), ("EXECUTE",), PIPELINES),
    row((Principal.DEPLOY,), (On.REGISTERED_MODEL,), ("MANAGE",), OWN),
    # An endpoint loads its model as who made it.
    row((Principal.DEPLOY,), (On.REGISTERED_MODEL,), ("EXECUTE",), SERVED),
    row((Principal.TRAIN,), EXPERIMENTS, ("CAN_EDIT",), TRACKED),
    row((Principal.PROMOTE, Principal.SERVE), (On.EXPERIMENT,), ("CAN_READ",), PIPELINES),
    row((Principal.SERVE,), (On.RETRAIN,), ("CAN_MANAGE_RUN",), PIPELINES),
    row((Principal.TRAIN,), (On.TRAIN,), ("CAN_MANAGE_RUN",), PIPELINES),
    row((Principal.DEPLOY,), (*JOBS, On.WITHDRAW, On.UNSEAL, On.APPROVE), ("IS_OWNER",), OWN),
    row((Principal.DEPLOY,), (*EXPERIMENTS, On.FOLDER), ("CAN_MANAGE",), OWN),
    row((Principal.DEPLOY,), (*WATCHED, On.MONITORS, On.ENDPOINT), ("CAN_MANAGE",), OWN),
    row((Principal.DEPLOY,), (On.WAREHOUSE,), ("IS_OWNER",), OWN),
    row((Principal.DEPLOY,), (On.SECRETS,), ("MANAGE",), OWN),
    # The dashboard shows, and the alerts read, what its publisher may read; who looks needs nothing of it (ADR 15).
    row((Principal.DEPLOY,), (On.ML, On.MODEL_ZONE), READ, SEE),
    row((Principal.SERVE,), (On.SECRETS,), ("READ",), PUBLISHED),
    row((Principal.SERVE,), (On.ENDPOINT,), ("CAN_QUERY",), ONLINE),
    row((Principal.PROMOTE,), (On.ENDPOINT,), ("CAN_MANAGE",), SERVED),

    # Everyone finds what there is and follows every run; nobody sees a person by that.
    row(Role, (On.CATALOG,), ("BROWSE", "USE_CATALOG"), COLLABORATE),
    row(Role, (On.ML, On.REFERENCE), READ, COLLABORATE),
    row(Role, (On.WORKSPACE,), ("databricks_sql_access", "workspace_access"), COLLABORATE),
    row(Role, (On.STATUS, On.DASHBOARD), ("CAN_READ",), COLLABORATE),
    row(ANALYSTS, (On.ALERTS,), ("CAN_READ",), SEE),
    row(ANALYSTS, (On.ENDPOINT,), ("CAN_VIEW",), SEE),
    row(ANALYSTS, (*JOBS, On.WITHDRAW, On.UNSEAL, On.APPROVE), ("CAN_VIEW",), SEE),
    row(ANALYSTS, EXPERIMENTS, ("CAN_READ",), SEE),
    row(ANALYSTS, (On.ARTIFACTS,), ("READ_VOLUME",), SEE),
    row(ANALYSTS, (On.REGISTERED_MODEL,), ("EXECUTE",), SEE),
    row((*ANALYSTS, Role.R7), (On.MODEL_ZONE,), ("USE_SCHEMA",), SEE),

    # R1 Principal Investigator
    row((Role.R1,), (On.EXPERIMENT,), ("CAN_MANAGE",), OWNER, PROD),
    row((Role.R1,), EXPERIMENTS, ("CAN_READ",), COLLABORATE),
    row((Role.R1,), JOBS, ("CAN_VIEW",), COLLABORATE),
    row((Role.R1,), (On.TRAIN, On.PROMOTE, On.RETRAIN), ("CAN_MANAGE_RUN",), REGISTERS, PROD),
    row((Role.R1,), (On.MODEL_ZONE,), READ, REGISTERS),
    row((Role.R1,), (On.REGISTERED_MODEL,), ("EXECUTE",), REGISTERS),
    row((Role.R1,), (On.WAREHOUSE,), ("CAN_USE",), REGISTERS),
    # R2 ML Architect
    row((Role.R2,), JOBS, ("CAN_VIEW",), ARCHITECT),
    row((Role.R2,), EXPERIMENTS, ("CAN_READ",), ARCHITECT),
    # R3 Data Science Analyst
    row((Role.R3,), (On.CURATED, On.FEATURES, On.MODEL_ZONE), READ, DEVELOP, DEV),
    row((Role.R3,), (On.FEATURES, On.MODEL_ZONE), READ, VALIDATES, VALIDATION),
    row((Role.R3,), (On.EXPLORATORY,), WRITE, DEVELOP, DEV),
    row((Role.R3,), JOBS, ("CAN_MANAGE_RUN",), DEVELOP, DEV),
    row((Role.R3,), (On.VALIDATE,), ("CAN_MANAGE_RUN",), VALIDATES, VALIDATION),
    row((Role.R3,), EXPERIMENTS, ("CAN_EDIT",), DEVELOP, DEV),
    row((Role.R3,), (On.WAREHOUSE,), ("CAN_USE",), DEVELOP, DEV),
    row((Role.R3,), (On.WAREHOUSE,), ("CAN_USE",), VALIDATES, VALIDATION),
    # R4 CDH Data Manager
    row((Role.R4,), (On.CURATED, On.FEATURES), READ, MANAGER),
    row((Role.R4,), (On.LANDING,), ("READ_VOLUME", "WRITE_VOLUME"), MANAGER),
    row((Role.R4,), (On.FEATURIZE, On.WITHDRAW), ("CAN_MANAGE_RUN",), MANAGER),
    row((Role.R4,), (On.WAREHOUSE,), ("CAN_USE",), MANAGER),
    # R5 Feature Analyst
    row((Role.R5,), (On.CURATED, On.FEATURES), READ, FEATURE_ANALYST, DEV),
    row((Role.R5,), (On.FEATURES,), READ, PROMOTES, VALIDATION),
    row((Role.R5,), (On.EXPLORATORY,), WRITE, FEATURE_ANALYST, DEV),
    row((Role.R5,), (On.FEATURIZE,), ("CAN_MANAGE_RUN",), FEATURE_ANALYST, DEV),
    row((Role.R5,), (On.FEATURIZE,), ("CAN_MANAGE_RUN",), PROMOTES, VALIDATION),
    # Who runs featurization in prod (R4) does not approve its data; who approves does not run it there.
    row((Role.R5,), (On.APPROVE,), ("CAN_MANAGE_RUN",), PROMOTES, DEV | VALIDATION),
    row((Role.R5,), (On.WAREHOUSE,), ("CAN_USE",), FEATURE_ANALYST, DEV),
    row((Role.R5,), (On.WAREHOUSE,), ("CAN_USE",), PROMOTES, VALIDATION),
    row(ANALYSTS, (On.POLICY,), ("CAN_USE",), DEVELOP, DEV),
    # R6 MLOps Engineer
    row((Role.R6,), JOBS, (OWNER_LEVEL,), OPERATES),
    row((Role.R6,), (On.WITHDRAW,), ("CAN_VIEW",), OPERATES),
    # Break-glass: the one way in which R6 sees persons; the job gives it for minutes and tells the operators (ADR 21).
    row((Role.R6,), (On.UNSEAL,), ("CAN_MANAGE_RUN",), CONTROLLED),
    # Experiments lie in the folder, which hands its levels down.
    row((Role.R6,), (On.FOLDER,), ("CAN_READ",), OPERATES),
    row((Role.R6,), (On.ARTIFACTS,), ("READ_VOLUME",), OPERATES),
    row((Role.R6,), (On.POLICY,), ("CAN_USE",), OPERATES),
    row((Role.R6,), (On.ALERTS, On.MONITORS), ("CAN_READ",), WATCHES),
    row((Role.R6,), (On.ENDPOINT,), ("CAN_VIEW",), WATCHES),
    row((Role.R6,), (On.WAREHOUSE,), ("CAN_MONITOR",), OPERATES),
    # R7 ML Engineer
    row((Role.R7,), JOBS, ("CAN_MANAGE_RUN",), APPROVES),
    row((Role.R7,), EXPERIMENTS, ("CAN_READ",), APPROVES),
    row((Role.R7,), (On.ARTIFACTS,), ("READ_VOLUME",), APPROVES),
    row((Role.R7,), (On.REGISTERED_MODEL,), ("EXECUTE",), APPROVES),
    row((Role.R7,), (On.ENDPOINT,), ("CAN_QUERY",), INFRASTRUCTURE),
)
# fmt: on
# What `sp-promote` of a stage that reads another's catalog has there: the validation records, which name no person.
READS_RECORDS: Mapping[On, tuple[str, ...]] = {On.CATALOG: ("USE_CATALOG",), On.ML: READ}


def principal_of(who: Role | Principal, source: str | None) -> str | Principal:
    """The group of a role (for a thing that holds one source's persons: the dataset's), or the service principal."""
    if isinstance(who, Principal):
        return who
    return names.group(who.value, source if who in BY_DATASET else None)


def access(on: On, stage: Stage, source: str | None = None) -> tuple[Access, ...]:
    """Everyone who has anything on a thing in a stage, service principals first, each principal once, all sorted."""
    rights: dict[Role | Principal, set[str]] = {}
    for one in MATRIX:
        if on in one.on and stage.name in one.stages:
            for who in one.who:
                given = {stage.owner_level if right == OWNER_LEVEL else right for right in one.rights}
                rights.setdefault(who, set()).update(given)
    found = []
    for who in sorted(rights, key=lambda one: (isinstance(one, Role), one.value)):
        has = tuple(sorted(rights[who]))
        if on.securable in LEVELS:
            has = (strongest(on.securable, has),)
        found.append(Access(principal=principal_of(who, source), rights=has))
    return tuple(found)
