"""MLflow's own endpoints through the door: the real server answers, to who may ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rest_bench import CACHE, PEOPLE, R3, SP_TRAIN, Client, client, populated, resource

from sandbox.rest.server import Served, serving
from sandbox.services import Services
from sandbox.workspace import Workspace

API = "/api/2.0/mlflow"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str, str]]:
    """An experiment that sp-train edits and R3 reads, with one run of the administrator's; both ids."""
    workspace = populated(Workspace(tmp_path_factory.mktemp("mlflow") / "dbw-cdh-test"))
    resource(workspace, "directory", "/cdh", path="/cdh", object_id=7)
    with Services(workspace, CACHE) as services, serving(workspace, CACHE, PEOPLE, services=services) as served:
        admin = client(served, "deployer")
        experiment = admin.post(f"{API}/experiments/create", name="/cdh/readmission")["experiment_id"]
        access = [
            {"service_principal_name": SP_TRAIN, "permission_level": "CAN_EDIT"},
            {"group_name": R3, "permission_level": "CAN_READ"},
        ]
        path = f"/api/2.0/permissions/experiments/{experiment}"
        assert admin.call("PUT", path, {"access_control_list": access}).status == 200
        run = admin.post(f"{API}/runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
        yield served, experiment, run


def log(sender: Client, run: str, key: str):
    metric = {"run_id": run, "key": key, "value": 0.5, "timestamp": 1, "step": 0}
    return sender.call("POST", f"{API}/runs/log-metric", metric)


def test_who_may_edit_logs_and_who_may_read_reads(tracked):
    served, experiment, run = tracked
    assert log(client(served, "sp-train-dev"), run, "auroc").status == 200
    reader = client(served, "r3@cdh.example")
    found = reader.get(f"{API}/runs/get", f"run_id={run}")["run"]["data"]["metrics"]
    assert [(one["key"], one["value"]) for one in found] == [("auroc", 0.5)]
    assert reader.get(f"{API}/experiments/get", f"experiment_id={experiment}")["experiment"]["name"].endswith(
        "readmission"
    )
    assert len(reader.post(f"{API}/runs/search", experiment_ids=[experiment])["runs"]) == 1


@pytest.mark.parametrize(("who", "privilege"), [("r3@cdh.example", "CAN_EDIT"), ("r5@cdh.example", "CAN_EDIT")])
def test_who_may_not_is_refused_and_nothing_is_written(tracked, who, privilege):
    served, _, run = tracked
    answer = log(client(served, who), run, f"forbidden-{who[:2]}")
    assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")
    assert f"{privilege} on Experiment '/cdh/readmission'" in answer.body["message"]
    found = client(served, "deployer").get(f"{API}/runs/get", f"run_id={run}")["run"]["data"].get("metrics", [])
    assert not [one for one in found if one["key"].startswith("forbidden")]


def test_who_may_not_read_is_refused(tracked):
    served, experiment, run = tracked
    nobody = client(served, "r5@cdh.example")
    for method, path, body, query in (
        ("GET", f"{API}/runs/get", None, f"run_id={run}"),
        ("POST", f"{API}/runs/search", {"experiment_ids": [experiment]}, ""),
        ("GET", f"{API}/experiments/get", None, f"experiment_id={experiment}"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts", None, f"path={experiment}"),
        ("GET", f"{API}/experiments/get-by-name", None, "experiment_name=%2Fcdh%2Freadmission"),
    ):
        answer = nobody.call(method, path, body, query)
        assert (answer.status, answer.code) == (403, "PERMISSION_DENIED"), (path, answer)


def test_artifacts_go_through_both_ways(tracked):
    served, experiment, run = tracked
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/note.txt"
    data = b"x" * 300_000
    assert client(served, "sp-train-dev").call("PUT", path, data).status == 200
    assert client(served, "r3@cdh.example").call("GET", path).body == data
    assert client(served, "r3@cdh.example").call("PUT", path, b"no").status == 403


def test_mlflow_says_itself_what_does_not_exist(tracked):
    served, _, _ = tracked
    answer = client(served, "deployer").call("GET", f"{API}/runs/get", query="run_id=" + "0" * 32)
    assert (answer.status, answer.code) == (404, "RESOURCE_DOES_NOT_EXIST")
