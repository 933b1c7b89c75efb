"""What each MLflow request needs: a level on an experiment, or a privilege on a registered model of Unity Catalog."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from sandbox.grants.policy import OWNER, Need, within

Arguments = Mapping[str, Any]
Experiment = Callable[[str, str], str]
"""(`run`, `model`, `name` or `id`; its value) -> the experiment's name."""

# Spark's and MLflow's clients ask these before they do anything.
FREE = ("/health", "/version")
# method and path below /api/<version>/mlflow/ -> the privilege on the registered model that the request names
_ON_MODEL = {
    "GET registered-models/get": "EXECUTE",
    "GET registered-models/get-latest-versions": "EXECUTE",
    "POST registered-models/get-latest-versions": "EXECUTE",
    "GET registered-models/alias": "EXECUTE",
    "GET model-versions/get": "EXECUTE",
    "GET model-versions/get-download-uri": "EXECUTE",
    "POST registered-models/set-tag": "APPLY_TAG",
    "DELETE registered-models/delete-tag": "APPLY_TAG",
    "POST model-versions/set-tag": "APPLY_TAG",
    "DELETE model-versions/delete-tag": "APPLY_TAG",
    "POST model-versions/create": "CREATE_MODEL_VERSION",
    # "set alias / delete version = owner"
    "POST registered-models/alias": OWNER,
    "DELETE registered-models/alias": OWNER,
    "DELETE model-versions/delete": OWNER,
    "POST model-versions/transition-stage": OWNER,
    "PATCH model-versions/update": OWNER,
    "PATCH registered-models/update": OWNER,
    "POST registered-models/rename": OWNER,
    "DELETE registered-models/delete": "MANAGE",
}
_READS = ("GET runs/get", "GET metrics/", "GET artifacts/list", "GET experiments/get", "GET logged-models/")
_MANAGES = ("POST experiments/delete", "POST experiments/restore")
_NAMED = re.compile(r"\bname\s*=\s*['\"]([^'\"]+)['\"]")


class UnknownRequestError(Exception):
    """A request whose needs are not modelled, and which is therefore refused."""


def needs(method: str, path: str, arguments: Arguments, experiment: Experiment) -> tuple[Need, ...]:
    """The needs of a request; ``UnknownRequestError`` when nobody says what it needs.

    path: as requested. arguments: of the query or the JSON body. experiment: looks an experiment's name up.
    """
    if path in FREE:
        return ()
    artifact = re.fullmatch(r"/(?:ajax-)?api/\d\.\d/mlflow-artifacts/(artifacts|mpu/\w+|presigned)(?:/(.*))?", path)
    if artifact:
        # The tree of artifacts: <experiment>/<run>/artifacts/... and <experiment>/models/<model>/artifacts/...
        inside = artifact[2] or str(arguments.get("path") or "")
        if not inside:
            raise UnknownRequestError("all artifacts at once")
        level = "CAN_READ" if method == "GET" else "CAN_EDIT"
        return (Need(level, "Experiment", experiment("id", inside.split("/")[0])),)
    found = re.fullmatch(r"/(?:ajax-)?api/\d\.\d/mlflow/(.+)", path)
    if not found:
        raise UnknownRequestError(path)
    request = f"{method} {found[1]}"
    if request in _ON_MODEL:
        return within(Need(_ON_MODEL[request], "Model", str(arguments.get("name", ""))))
    if found[1] in ("registered-models/search", "model-versions/search"):
        return _searched(found[1], str(arguments.get("filter") or ""))
    if request == "POST registered-models/create":
        return within(Need("CREATE_MODEL", "Schema", str(arguments.get("name", "")).rpartition(".")[0]))
    return _on_experiment(request, found[1], arguments, experiment)


def _searched(what: str, told: str) -> tuple[Need, ...]:
    named = _NAMED.search(told)
    if named:
        return within(Need("EXECUTE", "Model", named[1]))
    if what == "registered-models/search":
        return ()
    raise UnknownRequestError("a search of model versions that names no model")


def _on_experiment(request: str, path: str, arguments: Arguments, experiment: Experiment) -> tuple[Need, ...]:
    if path == "experiments/search":
        return ()
    if path == "experiments/create":
        return (Need("CAN_EDIT", "Directory", str(PurePosixPath(str(arguments.get("name", ""))).parent)),)
    if path in ("runs/search", "logged-models/search"):
        numbers = arguments.get("experiment_ids") or []
        numbers = numbers if isinstance(numbers, list) else [numbers]
        return tuple(Need("CAN_READ", "Experiment", experiment("id", str(one))) for one in numbers)
    level = "CAN_READ" if request.startswith(_READS) else "CAN_EDIT"
    level = "CAN_MANAGE" if request in _MANAGES else level
    family, _, rest = path.partition("/")
    if family not in ("experiments", "runs", "metrics", "artifacts", "logged-models"):
        raise UnknownRequestError(path)
    if family == "logged-models" and rest:
        return (Need(level, "Experiment", experiment("model", rest.split("/")[0])),)
    for kind, argument in (
        ("run", "run_id"),
        ("run", "run_uuid"),
        ("id", "experiment_id"),
        ("name", "experiment_name"),
    ):
        if arguments.get(argument):
            return (Need(level, "Experiment", experiment(kind, str(arguments[argument]))),)
    raise UnknownRequestError(path)
