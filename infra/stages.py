"""The stages and the one table of what differs between them. Nothing else may ask which stage it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class StageName(StrEnum):
    """How far code has been promoted. Says nothing about a model's status, which is an alias in the registry."""

    DEV = "dev"
    VALIDATION = "validation"
    PROD = "prod"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One row of the table.

    person_sample: share of persons that featurization keeps, the default of its job parameter.
    owner_level: permission level on jobs of the engineers (R6) who answer for them; their owner is `sp-deploy`.
    scheduled: jobs start by themselves. alerts: a failed job writes to the operators' mailbox.
    keep_data: what holds data refuses to be destroyed. exploratory: analysts have a zone of their own to write in.
    replication: of the lake's storage (Azure's abbreviation). recover_days: how long deleted files can be had back.
    as_of_days: how far back tables about persons can be read as they were: what a prediction was made from.
    records_days: the same of what is noted about models, and of reference data.
    read_by: stages whose workspaces read this one's catalog, and nothing more. validated_in: the catalog whose
    validation records promotion asks for; it must be read by this stage. Where it is empty, promotion asks for none.
    log_days: how long logs are kept. budget: for a month, in the subscription's currency; nothing stops at it.
    """

    name: StageName
    workspace: str
    catalog: str
    person_sample: float
    owner_level: str
    scheduled: bool
    alerts: bool
    keep_data: bool
    exploratory: bool
    replication: str
    recover_days: int
    log_days: int
    budget: int
    as_of_days: int
    records_days: int
    read_by: tuple[StageName, ...] = ()
    validated_in: str = ""


# fmt: off
STAGES: Mapping[StageName, Stage] = MappingProxyType({
    row.name: row
    for row in (
        Stage(name=StageName.DEV, workspace="dbw-cdh-dev", catalog="cdh_dev", person_sample=0.15,
              owner_level="CAN_MANAGE", scheduled=False, alerts=False, keep_data=False, exploratory=True,
              replication="LRS", recover_days=7, log_days=30, budget=2000, as_of_days=7, records_days=30),
        Stage(name=StageName.VALIDATION, workspace="dbw-cdh-validation", catalog="cdh_validation", person_sample=0.5,
              owner_level="CAN_MANAGE_RUN", scheduled=False, alerts=False, keep_data=False, exploratory=False,
              replication="LRS", recover_days=7, log_days=90, budget=2000, as_of_days=30, records_days=365,
              read_by=(StageName.PROD,)),
        Stage(name=StageName.PROD, workspace="dbw-cdh-prod", catalog="cdh_prod", person_sample=1.0,
              owner_level="CAN_MANAGE_RUN", scheduled=True, alerts=True, keep_data=True, exploratory=False,
              replication="GZRS", recover_days=90, log_days=730, budget=10000, as_of_days=365, records_days=1095,
              validated_in="cdh_validation"),
    )
})
# fmt: on
