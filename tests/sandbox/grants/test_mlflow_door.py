"""What MLflow's door asks of each request, and what it answers to whom: before any MLflow, with an application that
only says that it was reached."""

from __future__ import annotations

import base64
import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from sandbox.grants.mlflow_door import MlflowDoor
from sandbox.grants.mlflow_needs import UnknownRequestError, needs
from sandbox.grants.policy import Need
from sandbox.grants.record import checks, issue
from sandbox.workspace import Workspace

MODEL, SCHEMA = "cdh_test.readmission.readmission", "cdh_test.readmission"
EXPERIMENT = "/cdh/readmission"
RUNS = {
    ("run", "r1"): EXPERIMENT,
    ("model", "m-1"): EXPERIMENT,
    ("id", "7"): EXPERIMENT,
    ("name", EXPERIMENT): EXPERIMENT,
}
IN_MODEL = [Need("USE_CATALOG", "Catalog", "cdh_test"), Need("USE_SCHEMA", "Schema", SCHEMA)]

# "Levels: experiment CAN_READ/CAN_EDIT/CAN_MANAGE"; "Privileges: create model = CREATE_MODEL + USE_*; load = EXECUTE;
# set alias / delete version = owner; new versions = owner or the newer UC `CREATE MODEL VERSION` privilege".
REQUESTS: list[tuple[str, str, dict[str, Any], list[Need]]] = [
    ("GET", "runs/get", {"run_id": "r1"}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("GET", "metrics/get-history", {"run_id": "r1"}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("GET", "artifacts/list", {"run_id": "r1"}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("GET", "experiments/get", {"experiment_id": "7"}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("GET", "experiments/get-by-name", {"experiment_name": EXPERIMENT}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("POST", "runs/search", {"experiment_ids": ["7"]}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("POST", "runs/create", {"experiment_id": "7"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("POST", "runs/log-batch", {"run_id": "r1"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("POST", "runs/set-tag", {"run_id": "r1"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("POST", "runs/update", {"run_id": "r1"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("POST", "runs/delete", {"run_id": "r1"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("POST", "experiments/delete", {"experiment_id": "7"}, [Need("CAN_MANAGE", "Experiment", EXPERIMENT)]),
    ("POST", "experiments/create", {"name": "/cdh/new"}, [Need("CAN_EDIT", "Directory", "/cdh")]),
    ("POST", "logged-models", {"experiment_id": "7"}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("GET", "logged-models/m-1", {}, [Need("CAN_READ", "Experiment", EXPERIMENT)]),
    ("PATCH", "logged-models/m-1/tags", {}, [Need("CAN_EDIT", "Experiment", EXPERIMENT)]),
    ("GET", "registered-models/get", {"name": MODEL}, [*IN_MODEL, Need("EXECUTE", "Model", MODEL)]),
    ("GET", "model-versions/get", {"name": MODEL, "version": "1"}, [*IN_MODEL, Need("EXECUTE", "Model", MODEL)]),
    ("GET", "model-versions/search", {"filter": f"name = '{MODEL}'"}, [*IN_MODEL, Need("EXECUTE", "Model", MODEL)]),
    ("POST", "model-versions/create", {"name": MODEL}, [*IN_MODEL, Need("CREATE_MODEL_VERSION", "Model", MODEL)]),
    ("POST", "model-versions/set-tag", {"name": MODEL}, [*IN_MODEL, Need("APPLY_TAG", "Model", MODEL)]),
    ("POST", "registered-models/alias", {"name": MODEL}, [*IN_MODEL, Need("OWNER", "Model", MODEL)]),
    ("DELETE", "registered-models/alias", {"name": MODEL}, [*IN_MODEL, Need("OWNER", "Model", MODEL)]),
    ("DELETE", "model-versions/delete", {"name": MODEL}, [*IN_MODEL, Need("OWNER", "Model", MODEL)]),
    ("DELETE", "registered-models/delete", {"name": MODEL}, [*IN_MODEL, Need("MANAGE", "Model", MODEL)]),
    ("POST", "registered-models/create", {"name": MODEL}, [*IN_MODEL, Need("CREATE_MODEL", "Schema", SCHEMA)]),
]
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/model.pkl"


def experiment(kind: str, value: str) -> str:
    return RUNS.get((kind, value), "")


@pytest.mark.parametrize(("method", "path", "arguments", "expected"), REQUESTS)
def test_a_request_needs_what_the_documentation_says(
    method: str, path: str, arguments: dict[str, Any], expected: list[Need]
):
    assert list(needs(method, f"/api/2.0/mlflow/{path}", arguments, experiment)) == expected


@pytest.mark.parametrize(("method", "level"), [("GET", "CAN_READ"), ("PUT", "CAN_EDIT"), ("DELETE", "CAN_EDIT")])
def test_an_artifact_needs_its_experiments_level(method: str, level: str):
    assert needs(method, ARTIFACT, {}, experiment) == (Need(level, "Experiment", EXPERIMENT),)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/api/2.0/mlflow/gateway/x"), ("POST", "/graphql"), ("GET", "/api/2.0/mlflow/model-versions/search"),
     ("GET", "/api/2.0/mlflow-artifacts/artifacts"), ("POST", "/api/2.0/mlflow/runs/log-batch")],
)  # fmt: skip
def test_a_request_that_nobody_thought_through_is_refused(method: str, path: str):
    with pytest.raises(UnknownRequestError):
        needs(method, path, {}, experiment)


class Visitor:
    """Asks the door as a principal with a token, or as nobody."""

    def __init__(self, root: Path) -> None:
        self.workspace = workspace = Workspace(root)
        store = workspace.store
        store.create("databricks_catalog", "cdh_test", {"name": "cdh_test", "owner": "sp-deploy"})
        store.create("databricks_schema", SCHEMA, {"name": "readmission", "owner": "sp-deploy"})
        store.create("databricks_registered_model", MODEL, {"name": "readmission", "owner": "sp-promote"})
        store.create("databricks_mlflow_experiment", "7", {"name": EXPERIMENT})
        self.door = MlflowDoor(self.reached, workspace, experiment)

    def reached(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read() if "json" in environ.get("CONTENT_TYPE", "") else b"reached"]

    def grant(self, principal: str, securable: str, *privileges: str) -> None:
        grant = {"principal": principal, "privileges": list(privileges)}
        self.workspace.store.delete("databricks_grants", securable)
        self.workspace.store.create("databricks_grants", securable, {"grant": [grant]})

    def permit(self, principal: str, level: str) -> None:
        entry = {"service_principal_name": principal, "permission_level": level}
        self.workspace.store.create("databricks_permissions", "/experiments/7", {"access_control": [entry]})

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, basic: str | None = None
    ) -> tuple[int, str]:
        sent = json.dumps(body).encode() if body else b""
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path.partition("?")[0], "QUERY_STRING": path.partition("?")[2],
                                   "CONTENT_LENGTH": str(len(sent)), "CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(sent)}  # fmt: skip
        if basic:
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(basic.encode()).decode()
        status: list[str] = []
        answer = b"".join(self.door(environ, lambda told, headers: status.append(told)))
        return int(status[0].split()[0]), answer.decode()

    def token(self, principal: str) -> str:
        return f"{principal}:{issue(self.workspace, principal, 12, 'register')}"


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    return Visitor(tmp_path / "dbw-cdh-test")


ALIAS = ("POST", "/api/2.0/mlflow/registered-models/alias", {"name": MODEL, "alias": "champion", "version": "1"})


@pytest.mark.clause("O10")
def test_only_the_owner_of_a_model_sets_its_alias(visitor: Visitor):
    for principal in ("sp-train", "sp-promote"):
        visitor.grant(principal, "catalog/cdh_test", "USE_CATALOG", "USE_SCHEMA", "EXECUTE", "APPLY_TAG", "MANAGE")
        status, told = visitor.ask(*ALIAS, basic=visitor.token(principal))
        if principal == "sp-promote":
            assert (status, json.loads(told)) == (200, ALIAS[2])
        else:
            assert status == 403
            assert json.loads(told)["error_code"] == "PERMISSION_DENIED"
            assert f"User is not an owner of Routine or Model '{MODEL}'." in told


def test_a_level_opens_what_is_below_it_and_no_more(visitor: Visitor):
    token = visitor.token("sp-serve")
    read, write = "/api/2.0/mlflow/runs/get?run_id=r1", ("POST", "/api/2.0/mlflow/runs/set-tag", {"run_id": "r1"})
    assert visitor.ask("GET", read, basic=token)[0] == 403
    visitor.permit("sp-serve", "CAN_READ")
    assert visitor.ask("GET", read, basic=token)[0] == 200
    status, told = visitor.ask(*write, basic=token)
    assert (status, f"User does not have CAN_EDIT on Experiment '{EXPERIMENT}'." in told) == (403, True)
    found = [(check.need.privilege, check.allowed, check.run, check.task) for check in checks(visitor.workspace)]
    assert found == [
        ("CAN_READ", False, 12, "register"), ("CAN_READ", True, 12, "register"), ("CAN_EDIT", False, 12, "register"),
    ]  # fmt: skip


@pytest.mark.parametrize("basic", [None, "sp-train:wrong", f"sp-train:{uuid.UUID(int=7)}", "sp-train:"])
def test_who_has_no_token_gets_in_nowhere_but_to_the_health_page(visitor: Visitor, basic: str | None):
    assert visitor.ask("GET", "/health", basic=basic)[0] == 200
    assert visitor.ask("GET", "/api/2.0/mlflow/runs/get?run_id=r1", basic=basic)[0] == 401


def test_a_token_is_good_for_its_own_principal_only(visitor: Visitor):
    visitor.permit("sp-train", "CAN_EDIT")
    token = visitor.token("sp-serve").partition(":")[2]
    assert visitor.ask("GET", "/api/2.0/mlflow/runs/get?run_id=r1", basic=f"sp-train:{token}")[0] == 401


def test_what_does_not_exist_is_answered_by_mlflow_itself(visitor: Visitor):
    assert visitor.ask("GET", "/api/2.0/mlflow/runs/get?run_id=gone", basic=visitor.token("sp-serve"))[0] == 200
