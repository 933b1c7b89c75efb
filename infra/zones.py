"""Zones: schemas with a purpose. Which exist in a stage follows from its sources, its models and the stage's row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra import names
from infra.roles import On
from infra.stages import Stage
from workflows.discover import Catalogue

# Where people try things out, Delta's own default is enough in every stage.
TRIED_OUT_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """One schema. kind: what the access matrix calls it. source: whose persons it holds, if any."""

    name: str
    kind: On
    comment: str
    source: str | None = None


def zones(catalogue: Catalogue, stage: Stage) -> tuple[ZonePlan, ...]:
    """The zones of a stage by name; a name that two of them want is refused by the addresses of the stack."""
    found = [
        ZonePlan(name=names.ML, kind=On.ML, comment="Concepts, feedback, lineage, validation records; artifacts"),
        ZonePlan(name=names.REFERENCE, kind=On.REFERENCE, comment="Reference data to validate lookup keys against"),
    ]
    for source in sorted({one.source for one in catalogue.featurizations.values()}):
        found += [
            ZonePlan(name=names.curated(source), kind=On.CURATED, source=source,
                     comment=f"Curated tables of {source}, as delivered and checked"),
            ZonePlan(name=names.features(source), kind=On.FEATURES, source=source,
                     comment=f"Fact and feature tables of {source}"),
        ]  # fmt: skip
        if stage.exploratory:
            found.append(
                ZonePlan(name=names.exploratory(source), kind=On.EXPLORATORY, source=source,
                         comment=f"Where the analysts of {source} develop")
            )  # fmt: skip
    for model in catalogue.models.values():
        found.append(ZonePlan(name=model.name, kind=On.MODEL_ZONE, source=model.source, comment=model.question))
    return tuple(sorted(found, key=lambda zone: zone.name))


def kept_days(kind: On, stage: Stage) -> int:
    """How many days back the tables of a class of zone can be read as they were.

    So long are a table's log and its deleted files kept: what lies further back can be named, and not read.
    """
    return {
        On.CURATED: stage.as_of_days,
        On.EXPLORATORY: TRIED_OUT_DAYS,
        On.FEATURES: stage.as_of_days,
        On.MODEL_ZONE: stage.as_of_days,
        On.ML: stage.records_days,
        On.REFERENCE: stage.records_days,
    }[kind]


def as_of_days(plans: Iterable[ZonePlan], stage: Stage, *, declared: str, source: str) -> dict[str, int]:
    """Zone -> days, of the zones that the jobs of one declaration may write to: a change of one model's stays there."""
    return {
        plan.name: kept_days(plan.kind, stage)
        for plan in plans
        if plan.source in (None, source) and (plan.kind is not On.MODEL_ZONE or plan.name == declared)
    }
