"""What holds data, and how it leaves the configuration without being lost.

terraform destroys what leaves the configuration, `prevent_destroy` or not, for that leaves with it. So what holds data
in a stage that keeps its data is listed in `holding.json`: a synth that lacks one of them is refused, until its
declaration is in `workflows/retired/`, from where the stack tells terraform to forget it and not to destroy it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from infra import names
from infra.files import read_json
from infra.stages import Stage
from workflows.declare import Declaration, Model
from workflows.discover import Catalogue
from workflows.errors import DeclarationError

FILE = Path(__file__).with_name("holding.json")
LABEL = "infra/holding.json"
HOLDS = (
    "databricks_catalog", "databricks_mlflow_experiment", "databricks_registered_model", "databricks_schema",
    "databricks_volume",
)  # fmt: skip
KEY = "CDH_DESTROY"


def of_declaration(one: Declaration, stage: Stage) -> tuple[str, ...]:
    """The addresses of what holds the data of a declaration in a stage."""
    if isinstance(one, Model):
        return (
            f"databricks_mlflow_experiment.{one.name}", f"databricks_mlflow_experiment.{one.name}_validation",
            f"databricks_registered_model.{one.name}", f"databricks_schema.{one.name}",
        )  # fmt: skip
    zones = [names.curated(one.source), names.features(one.source)]
    if stage.exploratory:
        zones.append(names.exploratory(one.source))
    return tuple(f"databricks_schema.{zone}" for zone in sorted(zones))


def forgotten(catalogue: Catalogue, stage: Stage, destroyed: Collection[str] = ()) -> tuple[str, ...]:
    """The addresses of retired declarations that no other one holds, but for those that shall be destroyed.

    Raises for a name in `destroyed` that is not retired.
    """
    for name in destroyed:
        if name not in catalogue.retired:
            raise DeclarationError(
                KEY, "name", name, sorted(catalogue.retired) or "none, as nothing is retired", "workflows/retired"
            )
    left = {address for one in catalogue.retired.values() if one.name not in destroyed
            for address in of_declaration(one, stage)}  # fmt: skip
    used = {address for one in catalogue.declarations for address in of_declaration(one, stage)}
    return tuple(sorted(left - used))


def holding(document: Mapping[str, Any]) -> list[str]:
    """The addresses of what holds data in a synthesized stack."""
    resources = document.get("resource", {})
    return sorted(f"{kind}.{name}" for kind in HOLDS for name in resources.get(kind, {}))


def listed() -> dict[str, list[str]]:
    """The addresses that hold data, by stage, as they are committed."""
    return read_json(FILE, FILE.parents[1])


def refuse_lost(document: Mapping[str, Any], stage: Stage, known: Iterable[str], destroyed: Iterable[str] = ()) -> None:
    """Raise if something listed is neither declared nor retired: terraform would destroy it.

    known: what is listed for the stage. destroyed: addresses that shall go.
    """
    there = {*holding(document), *destroyed, *(one["from"] for one in document.get("removed", ()))}
    for address in known:
        if address not in there:
            raise DeclarationError(
                stage.name.value, "address", address,
                "one that is declared: it holds data, and terraform would destroy it; move its declaration to "
                "workflows/retired/ and its data stay", LABEL,
            )  # fmt: skip


def going(catalogue: Catalogue, stage: Stage, destroyed: Iterable[str]) -> set[str]:
    """The addresses of retired declarations whose data shall be destroyed."""
    return {address for name in destroyed for address in of_declaration(catalogue.retired[name], stage)}
