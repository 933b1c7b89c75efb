"""register: the model that a run logged becomes a version, with its lineage as tags and without an alias."""

from __future__ import annotations

from jobs.io.context import Task, run
from jobs.io.registry import Registry, refuse_untold, same_declaration
from jobs.model.definition import DEFINITION
from jobs.model.names import Names, declared_model
from jobs.tasks.withdrawn import refuse_trained

FROM_RUN = (
    "dataset", "dataset_version", "feature_table", "feature_table_version", "source_versions", "contracts_hash",
    "parameters", "gates", "gates_checked", "gates_passed", "test_side_looks", "trained_by",
)  # fmt: skip


def _register(task: Task) -> None:
    names = Names.of(declared_model(task.declaration))
    registry = Registry(task, names)
    trained = registry.run(task.parameter("run_id"))
    refuse_untold(trained, FROM_RUN)
    same_declaration(task, trained)
    refuse_trained(task, names.source, trained.data.tags["dataset"], int(trained.data.tags["dataset_version"]))
    model_id = registry.model_id(trained)
    tags = {name: trained.data.tags[name] for name in (*FROM_RUN, DEFINITION) if name in trained.data.tags}
    tags |= {"mlflow_run_id": trained.info.run_id, "model_id": model_id, "created_by": task.principal}
    requested_by = task.parameters.get("requested_by", "")
    version = registry.register(
        trained.info.run_id, model_id, tags | ({"requested_by": requested_by} if requested_by else {})
    )
    # The version names its dataset; the table's own record leads on to features and sources.
    task.tables.note(registry.name, version.version, {tags["dataset"]: int(tags["dataset_version"])})
    task.log(
        f"{registry.name} version {version.version}, no alias; gates at evaluation: passed = {tags['gates_passed']}"
    )
    task.values.set("model_version", str(version.version))


def register() -> None:
    """Entry point."""
    run(_register)
