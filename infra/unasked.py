"""Rights of service principals that no job of the demo needed, by its record of checks, each with why it stays.

A test compares this with the record of a whole demo: a right that nothing needs and that is not here fails it, and so
does one that is here and was needed. What nobody needs and nobody can give a reason for is taken out of `infra.roles`.
"""

from __future__ import annotations

from infra.roles import JOBS, On, Principal

CREATED_FIRST = "here it is owner of the tables that it changes; where another principal creates one first, it is not"
NOT_YET = "in the demo another job creates these tables first; which one comes first is no contract"
REFERENCES = "the job that loads reference data; the demo has none, its code lists come with the wheel"
TERRAFORM = "terraform's own: it deploys as this principal, and the sandbox's provider asks no grant"

UNASKED: dict[tuple[Principal, On, str], str] = {
    (Principal.FEATURIZE, On.FEATURES, "MODIFY"): CREATED_FIRST,
    (Principal.FEATURIZE, On.FEATURES, "SELECT"): CREATED_FIRST,
    (Principal.FEATURIZE, On.ML, "MODIFY"): CREATED_FIRST,
    (Principal.FEATURIZE, On.ML, "SELECT"): CREATED_FIRST,
    (Principal.FEATURIZE, On.MODEL_ZONE, "MODIFY"): CREATED_FIRST,
    (Principal.FEATURIZE, On.MODEL_ZONE, "SELECT"): CREATED_FIRST,
    (Principal.TRAIN, On.MODEL_ZONE, "MODIFY"): CREATED_FIRST,
    (Principal.TRAIN, On.MODEL_ZONE, "SELECT"): CREATED_FIRST,
    (Principal.SERVE, On.MODEL_ZONE, "MODIFY"): CREATED_FIRST,
    (Principal.PROMOTE, On.ML, "CREATE_TABLE"): NOT_YET,
    (Principal.PROMOTE, On.MODEL_ZONE, "CREATE_TABLE"): NOT_YET,
    (Principal.SERVE, On.ML, "CREATE_TABLE"): NOT_YET,
    (Principal.FEATURIZE, On.LANDING, "READ_VOLUME"): "deliveries land there; the demo delivers curated tables",
    (Principal.FEATURIZE, On.REFERENCE, "CREATE_TABLE"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "MODIFY"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "SELECT"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "USE_SCHEMA"): REFERENCES,
    (Principal.DEPLOY, On.CATALOG, "USE_CATALOG"): TERRAFORM,
    (Principal.DEPLOY, On.REGISTERED_MODEL, "MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.EXPERIMENT, "CAN_MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.VALIDATION_EXPERIMENT, "CAN_MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.FOLDER, "CAN_MANAGE"): TERRAFORM,
    **{(Principal.DEPLOY, job, "IS_OWNER"): TERRAFORM for job in JOBS},
}
