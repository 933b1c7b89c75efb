"""MLflow's own endpoints: passed on to the workspace's MLflow server as the caller; experiments are resources too."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from werkzeug.wrappers import Response

from sandbox.errors import ServiceError
from sandbox.provider.values import Object
from sandbox.rest.asking import DOCUMENTED, Ask, Routes, missing
from sandbox.rest.translate import attributes

ROUTES = Routes()
_TYPE = "databricks_mlflow_experiment"
_SECONDS = 600
_CHUNK = 1 << 20
_PASSED_BACK = ("Content-Type", "Content-Disposition", "Content-Length")


@ROUTES.at("POST", "/api/2.0/mlflow/experiments/create")
def create(ask: Ask) -> Object:
    """Make an experiment in a folder that the caller may edit."""
    name = ask.text("name").removeprefix("/Workspace")
    parent = name.rpartition("/")[0] or "/"
    folder = ask.resources.find("databricks_directory", parent)
    ask.caller.need_level(f"/directories/{folder.body['object_id']}" if folder else parent, "CAN_EDIT")
    given = {"name": name, "artifact_location": ask.body.get("artifact_location"), "tags": ask.body.get("tags") or []}
    made = ask.resources.create(_TYPE, attributes(ask.resources.block(_TYPE), given))
    return {"experiment_id": str(made["id"])}


@ROUTES.at("GET", "/api/2.0/mlflow/experiments/get")
def get(ask: Ask) -> Object:
    """An experiment as MLflow has it now."""
    id_ = ask.text("experiment_id")
    if ask.workspace.store.read(_TYPE, id_):
        ask.caller.need_level(f"/experiments/{id_}", "CAN_READ")
    found = ask.resources.context.mlflow("GET", "experiments/get", {"experiment_id": id_})["experiment"]
    return {"experiment": {"tags": [], **found}}


@ROUTES.at("POST", "/api/2.0/mlflow/experiments/update")
def update(ask: Ask) -> Object:
    """Rename it."""
    id_ = _experiment(ask)
    ask.resources.change(_TYPE, id_, {"name": ask.text("new_name").removeprefix("/Workspace")})
    return {}


@ROUTES.at("POST", "/api/2.0/mlflow/experiments/delete")
def delete(ask: Ask) -> Object:
    """To the trash."""
    ask.resources.remove(_TYPE, _experiment(ask))
    return {}


def _experiment(ask: Ask) -> str:
    id_ = ask.text("experiment_id")
    if ask.workspace.store.read(_TYPE, id_) is None:
        raise missing("Experiment", id_)
    ask.caller.need_level(f"/experiments/{id_}", "CAN_MANAGE")
    return id_


def forward(ask: Ask, path: str) -> Response:
    """Anything else: the MLflow server's answer, whatever it is; it knows the caller by name."""
    del path
    token = base64.b64encode(f"{ask.caller.name}:sandbox".encode()).decode()
    headers = {"Authorization": f"Basic {token}"}
    for name in ("Content-Type", "Content-Length"):
        if ask.raw.headers.get(name):
            headers[name] = ask.raw.headers[name]
    query = ask.raw.query_string.decode()
    url = ask.running.services.mlflow_uri + ask.raw.path + (f"?{query}" if query else "")
    data: Any = ask.raw.stream if ask.raw.content_length else None
    request = urllib.request.Request(url, data=data, headers=headers, method=ask.raw.method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        answer = error
    except urllib.error.URLError as error:
        raise ServiceError("INTERNAL_ERROR", f"The MLflow server does not answer: {error.reason}") from None
    kept = {name: answer.headers[name] for name in _PASSED_BACK if answer.headers.get(name)}
    return Response(_chunks(answer), status=answer.status, headers=kept, direct_passthrough=True)


def _chunks(answer: Any) -> Iterator[bytes]:
    with answer:
        while chunk := answer.read(_CHUNK):
            yield chunk


for base in ("/api/2.0/mlflow", "/api/2.0/mlflow-artifacts", "/api/3.0/mlflow"):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        ROUTES.add(method, f"{base}/<path:path>", forward, DOCUMENTED)
