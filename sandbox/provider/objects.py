"""Workspace objects: directory, experiment, service principal, cluster policy, job."""

from __future__ import annotations

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill, now
from sandbox.provider.planning import Refusal
from sandbox.provider.policies import clusters_of, supply
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_hex, new_uuid

_ALWAYS_THERE = ("/", "/Shared", "/Users", "/Repos")


def folder_exists(context: Context, folder: str) -> bool:
    """Whether a workspace folder is there: made, or there always."""
    taken = {item.body["path"] for item in context.workspace.store.list("databricks_directory")}
    return folder in _ALWAYS_THERE or folder in taken or (folder.startswith("/Users/") and folder.count("/") == 2)


class Directory(Kind):
    """A workspace folder: a name, no folder on disk."""

    noun = "directory"
    takes_all = True

    def check(self, planned: Object) -> list[Refusal]:
        """An absolute path."""
        path = planned["path"]
        if path is UNKNOWN or path.startswith("/"):
            return []
        return [Refusal("invalid path", f"path '{path}' must be absolute", ("path",))]

    def identify(self, context: Context, body: Object) -> str:
        """Its path; parents are made with it."""
        fill(body, object_id=context.workspace.store.number("object"))
        body["workspace_path"] = "/Workspace" + str(body["path"]).removeprefix("/Workspace")
        return str(body["path"])

    def remove(self, context: Context, body: Object) -> None:
        """Refused while something is in it, unless delete_recursive is set."""
        inside = [
            item.body.get("name") or item.body.get("path")
            for kind in ("databricks_mlflow_experiment", "databricks_directory")
            for item in context.workspace.store.list(kind)
            if str(item.body.get("path") or item.body.get("name")).startswith(f"{body['path']}/")
        ]
        if inside and not body.get("delete_recursive"):
            raise ServiceError("DIRECTORY_NOT_EMPTY", f"Folder {body['path']} is not empty: {inside[0]}")


class Experiment(Kind):
    """An MLflow experiment."""

    noun = "MLflow experiment"

    def identify(self, context: Context, body: Object) -> str:
        """MLflow's experiment id; the folder of its name must exist."""
        name = str(body["name"]).removeprefix("/Workspace")
        if not name.startswith("/"):
            raise ServiceError("INVALID_PARAMETER_VALUE", f"experiment name '{name}' must be an absolute path")
        if not folder_exists(context, name.rsplit("/", 1)[0] or "/"):
            raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"Parent directory {name.rsplit('/', 1)[0]} does not exist.")
        id_ = self._made(context, name, body.get("artifact_location"))
        time = now()
        fill(body, experiment_id=id_, creation_time=time, last_update_time=time, lifecycle_stage="active")
        return id_

    @staticmethod
    def _made(context: Context, name: str, location: str | None) -> str:
        payload = {"name": name} | ({"artifact_location": location} if location else {})
        try:
            return str(context.mlflow("POST", "experiments/create", payload)["experiment_id"])
        except ServiceError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        # left over from a deployment that was cut off: taken over, unless a live resource has it
        found = context.mlflow("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
        if context.workspace.store.read("databricks_mlflow_experiment", found["experiment_id"]):
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Node named '{name}' already exists")
        return str(found["experiment_id"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Name and tags."""
        id_ = str(body["id"])
        if prior and prior["name"] != body["name"]:
            context.mlflow("POST", "experiments/update", {"experiment_id": id_, "new_name": body["name"]})
        before = {tag["key"]: tag["value"] for tag in (prior or {}).get("tags") or []}
        after = {tag["key"]: tag["value"] for tag in body.get("tags") or []}
        for key, value in after.items():
            if before.get(key) != value:
                payload = {"experiment_id": id_, "key": key, "value": value}
                context.mlflow("POST", "experiments/set-experiment-tag", payload)
        for key in before.keys() - after.keys():
            context.mlflow("POST", "experiments/delete-experiment-tag", {"experiment_id": id_, "key": key})
        if prior:
            body["last_update_time"] = now()

    def remove(self, context: Context, body: Object) -> None:
        """To the trash, under another name: MLflow keeps the name of a deleted experiment taken."""
        id_ = str(body["id"])
        try:
            payload = {"experiment_id": id_, "new_name": f"{body['name']} (deleted {id_})"}
            context.mlflow("POST", "experiments/update", payload)
            context.mlflow("POST", "experiments/delete", {"experiment_id": id_})
        except ServiceError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise


class ServicePrincipal(Kind):
    """A service principal of the workspace."""

    noun = "service principal"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """A number; the application id is taken once."""
        fill(body, application_id=new_uuid())
        application = str(body["application_id"])
        taken = context.workspace.store.list("databricks_service_principal")
        if application in {item.body["application_id"] for item in taken}:
            message = f"Service principal with application ID {application} already exists."
            raise ServiceError("RESOURCE_ALREADY_EXISTS", message)
        fill(body, display_name=application, acl_principal_id=f"servicePrincipals/{application}")
        fill(body, home=f"/Users/{application}", repos=f"/Repos/{application}")
        return str(context.workspace.store.number("principal"))


class ClusterPolicy(Kind):
    """A cluster policy."""

    noun = "cluster policy"

    def identify(self, context: Context, body: Object) -> str:
        """Sixteen hexadecimal digits; the name is taken once."""
        if body["name"] in {item.body["name"] for item in context.workspace.store.list("databricks_cluster_policy")}:
            raise ServiceError("INVALID_PARAMETER_VALUE", f"Policy name '{body['name']}' is already in use.")
        id_ = new_hex()
        body["policy_id"] = id_
        fill(body, definition="{}")
        return id_


class Job(Kind):
    """A job: stored; the sandbox's runner executes it."""

    noun = "job"

    def check(self, planned: Object) -> list[Refusal]:
        """Enumerations of schedule and trigger, and the number of concurrent runs."""
        out = []
        for name in ("schedule", "trigger", "continuous"):
            for i, block in enumerate(planned[name] if planned[name] is not UNKNOWN else []):
                if block["pause_status"] not in ("PAUSED", "UNPAUSED", None, UNKNOWN):
                    detail = f'expected pause_status to be one of ["PAUSED" "UNPAUSED"], got {block["pause_status"]}'
                    out.append(Refusal(detail, "", (name, i, "pause_status")))
        runs = planned["max_concurrent_runs"]
        if isinstance(runs, int | float) and runs < 0:
            detail = f"expected max_concurrent_runs to be at least (0), got {runs}"
            out.append(Refusal(detail, "", ("max_concurrent_runs",)))
        return out

    def identify(self, context: Context, body: Object) -> str:
        """A number."""
        id_ = str(context.workspace.store.number("job"))
        body["url"] = f"sandbox://{context.workspace.name}/jobs/{id_}"
        body["format"] = "MULTI_TASK" if body.get("task") else "SINGLE_TASK"
        return id_

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """What the jobs service refuses: unknown references, keys given twice, dependencies that do not exist."""
        del prior
        _check_tasks(body)
        for principal in (block["service_principal_name"] for block in body["run_as"] or []):
            principals = context.workspace.store.list("databricks_service_principal")
            if principal and principal not in {item.body["application_id"] for item in principals}:
                raise ServiceError(
                    "INVALID_PARAMETER_VALUE", f"run_as: service principal '{principal}' does not exist."
                )
        for cluster in clusters_of(body):
            if cluster["policy_id"]:
                policy = context.need("databricks_cluster_policy", cluster["policy_id"], "Cluster policy")
                supply(cluster, str(policy["definition"]))
        for task in body["task"] or []:
            for run in task["run_job_task"] or []:
                if str(run["job_id"]) != str(body["id"]):
                    context.need("databricks_job", str(run["job_id"]), "Job")
            if task["retry_on_timeout"] is UNKNOWN:
                task["retry_on_timeout"] = False

    def present(self, context: Context, body: Object) -> Object | None:
        """A job without run_as runs as its creator, so the recorded drift "run_as removed" is seen."""
        if body.get("run_as"):
            return body
        return body | {"run_as": [{context.caller: context.deployer}]}

    def stored(self, body: Object) -> Object:
        """Tasks and their dependencies come back in the order of their keys."""
        tasks = [
            task | {"depends_on": sorted(task["depends_on"] or [], key=lambda item: str(item["task_key"]))}
            for task in body["task"] or []
        ]
        return body | {"task": sorted(tasks, key=lambda task: str(task["task_key"]))}


def _check_tasks(body: Object) -> None:
    keys = [task["task_key"] for task in body["task"] or []]
    clusters = {cluster["job_cluster_key"] for cluster in body["job_cluster"] or []}
    for key in keys:
        if keys.count(key) > 1:
            raise ServiceError("INVALID_PARAMETER_VALUE", f"Task key '{key}' is given to {keys.count(key)} tasks.")
    waits: dict[str, list[str]] = {}
    for task in body["task"] or []:
        key = task["task_key"]
        waits[key] = [item["task_key"] for item in task["depends_on"] or []]
        for other in waits[key]:
            if other not in keys:
                message = f"Task '{key}' depends on '{other}', which is no task of the job; valid: {', '.join(keys)}"
                raise ServiceError("INVALID_PARAMETER_VALUE", message)
        cluster = task["job_cluster_key"]
        if cluster and cluster not in clusters:
            known = ", ".join(sorted(clusters)) or "none"
            message = f"Task '{key}': job cluster '{cluster}' is not defined in field 'job_clusters'; valid: {known}"
            raise ServiceError("INVALID_PARAMETER_VALUE", message)
    while free := [key for key, others in waits.items() if not any(other in waits for other in others)]:
        for key in free:
            del waits[key]
    if waits:
        raise ServiceError(
            "INVALID_PARAMETER_VALUE", f"Tasks {', '.join(sorted(waits))} depend on each other in a cycle."
        )
