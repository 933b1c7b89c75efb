"""promote: the alias champion names a version that passed its gates and that two people signed."""

from __future__ import annotations

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model.names import CHAMPION, Names, declared_model
from jobs.model.promotion import refusals


def _promote(task: Task) -> None:
    registry = Registry(task, Names.of(declared_model(task.declaration)))
    version = registry.version(task.parameter("model_version"))
    champion = registry.champion()
    signed = {name: task.parameters.get(name, "").strip() for name in ("approved_by", "validated_by")}
    reasons = refusals(
        tags=version.tags, registry_user=version.user_id, principal=task.principal, **signed,
        champion=None if champion is None else str(champion.version), version=str(version.version),
    )  # fmt: skip
    if reasons:
        raise TaskError(f"{registry.name} version {version.version} is not promoted: " + "; ".join(reasons))
    registry.tag(str(version.version), signed | {"promoted_by": task.principal, "promoted_in": task.job_run_id})
    registry.crown(str(version.version))
    former = "" if champion is None else f" in the place of version {champion.version}"
    task.log(f"{registry.name} version {version.version} is {CHAMPION}{former}")


def promote() -> None:
    """Entry point."""
    run(_promote)
