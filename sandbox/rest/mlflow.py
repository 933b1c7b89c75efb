"""MLflow's own endpoints: passed on to the workspace's MLflow server as the caller; experiments are resources too."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from werkzeug.wrappers import Response

from sandbox.errors import ServiceError
from sandbox.grants.mlflow_needs import UnknownRequestError, needs
from sandbox.grants.policy import DeniedError, Policy
from sandbox.grants.published import grants_of
from sandbox.provider.values import Object
from sandbox.rest.asking import DOCUMENTED, Ask, Routes, denied, missing
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


def _need(ask: Ask) -> None:
    """PERMISSION_DENIED unless the caller or a group of it has what MLflow's own door would demand of a task."""
    if ask.caller.admin:
        return
    arguments: Object = dict(ask.query)
    if "mlflow-artifacts" not in ask.raw.path:
        arguments |= ask.body
    try:
        demanded = needs(
            ask.raw.method, ask.raw.path, arguments, lambda kind, value: _experiment_name(ask, kind, value)
        )
    except UnknownRequestError as error:
        raise denied(f"the sandbox does not know what {error} needs, and refuses it") from None
    policy = Policy(grants_of(ask.workspace))
    for need in demanded:
        # What does not exist is answered by MLflow, which says so.
        if need.name and not any(policy.reasons(name, need) for name in ask.caller.names):
            raise denied(str(DeniedError(need)))


def _experiment_name(ask: Ask, kind: str, value: str) -> str:
    """The name of the experiment that a run or a logged model is in; "" when there is none."""
    call = ask.resources.context.mlflow
    try:
        if kind == "name":
            return str(call("GET", "experiments/get-by-name", {"experiment_name": value})["experiment"]["name"])
        if kind == "run":
            value = call("GET", "runs/get", {"run_id": value})["run"]["info"]["experiment_id"]
        elif kind == "model":
            value = call("GET", f"logged-models/{value}", {})["model"]["info"]["experiment_id"]
        return str(call("GET", "experiments/get", {"experiment_id": value})["experiment"]["name"])
    except ServiceError:
        return ""


def forward(ask: Ask, path: str) -> Response:
    """Anything else: the MLflow server's answer, whatever it is, to who may ask."""
    del path
    _need(ask)
    token = base64.b64encode(f"{ask.caller.name}:sandbox".encode()).decode()
    headers = {"Authorization": f"Basic {token}"}
    for name in ("Content-Type", "Content-Length"):
        if ask.raw.headers.get(name):
            headers[name] = ask.raw.headers[name]
    query, artifact = ask.raw.query_string.decode(), "mlflow-artifacts" in ask.raw.path
    url = ask.running.services.mlflow_uri + ask.raw.path + (f"?{query}" if query else "")
    # A checked body was read; an artifact may be long and goes through as it comes.
    data: Any = (ask.raw.stream if artifact else ask.raw.get_data()) if ask.raw.content_length else None
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
