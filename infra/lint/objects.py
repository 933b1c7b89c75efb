"""Rules about everything else."""

from __future__ import annotations

from collections.abc import Iterable

from infra.lint.rule import Found, Stack, listed

INSTEAD = {
    "databricks_lakehouse_monitor": "databricks_quality_monitor",
    "databricks_catalog_workspace_binding": "databricks_workspace_binding",
    "databricks_mlflow_model": "databricks_registered_model",
    "databricks_mlflow_webhook": "a job that the promotion starts",
    "databricks_sql_table": "a table that its job creates: the resource drops the data when a column changes",
}


def no_deprecated_kind(stack: Stack) -> Iterable[Found]:
    """Kinds whose state broke between versions, or that drop what they describe."""
    for kind, instead in INSTEAD.items():
        for address, _ in stack.all(kind):
            yield Found(address, "resource", kind, instead)


def aliases_by_promotion(stack: Stack) -> Iterable[Found]:
    """The provider drops a model's aliases silently."""
    for address, body in stack.all("databricks_registered_model"):
        if body.get("aliases"):
            yield Found(address, "aliases", body["aliases"], "none: the promote job sets them")


def experiments_have_a_folder(stack: Stack) -> Iterable[Found]:
    """`/Workspace` is cut off by the service, and a folder that is not there is not made."""
    folders = {str(body["path"]).rstrip("/") for _, body in stack.all("databricks_directory")}
    for address, body in stack.all("databricks_mlflow_experiment"):
        name = str(body["name"])
        parent = name.rpartition("/")[0]
        if name.startswith("/Workspace/"):
            yield Found(address, "name", name, name.removeprefix("/Workspace"))
        elif parent not in folders:
            yield Found(address, "name", name, f"a path below a databricks_directory: {', '.join(sorted(folders))}")
        elif not body.get("depends_on"):
            yield Found(address, "depends_on", None, "the directory, which must be there first")


def versions_by_promotion(stack: Stack) -> Iterable[Found]:
    """Each promotion changes the version behind an endpoint: terraform would set the old one again."""
    for address, body in stack.all("databricks_model_serving"):
        ignored = [str(one) for one in body.get("lifecycle", {}).get("ignore_changes", [])]
        for config in listed(body.get("config")):
            if captured := config.get("auto_capture_config"):
                yield Found(address, "auto_capture_config", captured, "ai_gateway.inference_table_config")
            if listed(config.get("served_entities")) and not any("entity_version" in one for one in ignored):
                yield Found(address, "lifecycle.ignore_changes", ignored, "the path of entity_version, and only that")


def layers_apart(stack: Stack) -> Iterable[Found]:
    """A provider cannot sign in at plan to a workspace that the same apply makes."""
    made = [address for address, _ in stack.all("azurerm_databricks_workspace")]
    inside = [address for address, _ in stack.all() if address.startswith("databricks_")]
    if made and inside:
        yield Found(made[0], "stack", stack.name, f"a stack of its own, before the one with {inside[0]}")
