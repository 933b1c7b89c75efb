"""Rights of service principals that no job of the demo needed, by its record of checks, each with why it stays.

A test compares this with the record of a whole demo: a right that nothing needs and that is not here fails it, and so
does one that is here and was needed. What nobody needs and nobody can give a reason for is taken out of `infra.roles`.
"""

from __future__ import annotations

from infra.roles import JOBS, WRITE, On, Principal

CREATED_FIRST = "here it is owner of the tables that it changes; where another principal creates one first, it is not"
NOT_YET = "in the demo another job creates these tables first; which one comes first is no contract"
EVALUATED = "the dashboard and the alerts read as this principal; the sandbox evaluates none of them"
ENDPOINTS = "an endpoint loads its model as who made it; the sandbox serves none"
STREAMS = "a stream notes there how far it has read; the demo's jobs read whole tables"
EXPORTED = "predictions leave the platform as files there; the demo publishes tables"
BREAK_GLASS = "its only job is break-glass, and a demo breaks none"
WITHDRAWAL = "takes the rows of persons who withdraw; the demo has none"
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
    (Principal.SERVE, On.MODEL_ZONE, "MODIFY"): CREATED_FIRST,
    (Principal.PROMOTE, On.ML, "CREATE_TABLE"): NOT_YET,
    (Principal.PROMOTE, On.MODEL_ZONE, "CREATE_TABLE"): NOT_YET,
    (Principal.SERVE, On.ML, "CREATE_TABLE"): NOT_YET,
    (Principal.FEATURIZE, On.LANDING, "READ_VOLUME"): "deliveries land there; the demo delivers curated tables",
    (Principal.FEATURIZE, On.CURATED, "MODIFY"): WITHDRAWAL,
    (Principal.FEATURIZE, On.EXPLORATORY, "MODIFY"): WITHDRAWAL,
    (Principal.FEATURIZE, On.EXPLORATORY, "SELECT"): WITHDRAWAL,
    (Principal.FEATURIZE, On.EXPLORATORY, "USE_SCHEMA"): WITHDRAWAL,
    (Principal.FEATURIZE, On.CHECKPOINTS, "READ_VOLUME"): STREAMS,
    (Principal.FEATURIZE, On.CHECKPOINTS, "WRITE_VOLUME"): STREAMS,
    (Principal.SERVE, On.CHECKPOINTS, "READ_VOLUME"): STREAMS,
    (Principal.SERVE, On.CHECKPOINTS, "WRITE_VOLUME"): STREAMS,
    (Principal.SERVE, On.EXPORTS, "READ_VOLUME"): EXPORTED,
    (Principal.SERVE, On.EXPORTS, "WRITE_VOLUME"): EXPORTED,
    (Principal.DEPLOY, On.CREDENTIAL, "CREATE_EXTERNAL_LOCATION"): TERRAFORM,
    (Principal.DEPLOY, On.LOCATION, "CREATE_EXTERNAL_VOLUME"): TERRAFORM,
    (Principal.DEPLOY, On.LOCATION, "CREATE_MANAGED_STORAGE"): TERRAFORM,
    (Principal.FEATURIZE, On.REFERENCE, "CREATE_TABLE"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "MODIFY"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "SELECT"): REFERENCES,
    (Principal.FEATURIZE, On.REFERENCE, "USE_SCHEMA"): REFERENCES,
    (Principal.DEPLOY, On.CATALOG, "USE_CATALOG"): TERRAFORM,
    (Principal.DEPLOY, On.REGISTERED_MODEL, "MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.EXPERIMENT, "CAN_MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.VALIDATION_EXPERIMENT, "CAN_MANAGE"): TERRAFORM,
    (Principal.DEPLOY, On.REGISTERED_MODEL, "EXECUTE"): ENDPOINTS,
    **{(Principal.DEPLOY, On.MODEL_ZONE, right): EVALUATED for right in ("SELECT", "USE_SCHEMA")},
    **{(Principal.DEPLOY, On.ML, right): BREAK_GLASS for right in WRITE},
    (Principal.DEPLOY, On.ARTIFACTS, "READ_VOLUME"): BREAK_GLASS,
    **{
        (Principal.DEPLOY, folder, "CAN_MANAGE"): TERRAFORM for folder in (On.FOLDER, On.STATUS, On.ALERTS, On.MONITORS)
    },
    **{(Principal.DEPLOY, job, "IS_OWNER"): TERRAFORM for job in (*JOBS, On.WITHDRAW, On.UNSEAL, On.APPROVE)},
}
