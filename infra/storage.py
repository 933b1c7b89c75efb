"""Which containers the lake of a stage has, and how what lies in each is classified. Both layers build on it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from infra import names
from infra.roles import On
from infra.stages import Stage


class Data(StrEnum):
    """How what a resource holds or carries is classified, from everyone's to that of persons."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"


# The catalog's own root, in which no zone lies.
CATALOG = "catalog"
# Class of zone -> how its data are classified; each becomes a container.
ZONE_CLASSES: Mapping[On, Data] = MappingProxyType({
    On.CURATED: Data.RESTRICTED,
    On.EXPLORATORY: Data.RESTRICTED,
    On.FEATURES: Data.RESTRICTED,
    On.MODEL_ZONE: Data.RESTRICTED,
    On.ML: Data.INTERNAL,
    On.REFERENCE: Data.PUBLIC,
})  # fmt: skip
# What else has a container: deliveries before they are curated, what leaves the platform, the catalog's own root.
OTHERS: Mapping[str, Data] = MappingProxyType(
    {names.LANDING: Data.RESTRICTED, names.EXPORTS: Data.RESTRICTED, CATALOG: Data.RESTRICTED}
)


def containers(stage: Stage) -> dict[str, Data]:
    """Container -> classification, for the classes of zone that a stage has."""
    zones = {names.container(on): data for on, data in ZONE_CLASSES.items()
             if stage.exploratory or on is not On.EXPLORATORY}  # fmt: skip
    return dict(sorted({**zones, **OTHERS}.items()))
