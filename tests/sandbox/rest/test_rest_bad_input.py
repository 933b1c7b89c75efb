"""What is wrong is answered in Databricks' error JSON, and nothing of it reaches the store."""

from __future__ import annotations

import json
import socket
import stat

import pytest
from rest_bench import CACHE, PEOPLE, Client, client, resource
from runner_bench import NoServers

from sandbox.errors import SandboxError
from sandbox.rest.server import serving

JOBS, UC = "/api/2.2/jobs", "/api/2.1/unity-catalog"
FILES = "/api/2.0/fs/files"
# method, path, query, body, status, error code, what the message names
CASES = [
    ("POST", f"{JOBS}/create", "", b"{not json", 400, "MALFORMED_REQUEST", "Could not parse request object"),
    ("POST", f"{JOBS}/create", "", [1], 400, "MALFORMED_REQUEST", "expected a JSON object"),
    ("POST", f"{JOBS}/create", "", {"name": {"a": 1}}, 400, "INVALID_PARAMETER_VALUE", "name must be a string"),
    ("POST", f"{JOBS}/create", "", {"tasks": ["a"]}, 400, "INVALID_PARAMETER_VALUE", "task. must be an object"),
    ("POST", f"{JOBS}/create", "", {"name": "j", "tasks": [{"task_key": "a", "depends_on": [{"task_key": "b"}]}]}, 400,
     "INVALID_PARAMETER_VALUE", "depends on 'b', which is no task of the job"),
    ("POST", f"{JOBS}/create", "", {"max_concurrent_runs": "many"}, 400, "INVALID_PARAMETER_VALUE",
     "max_concurrent_runs must be a number, got 'many'"),
    ("GET", f"{JOBS}/get", "job_id=999", None, 404, "RESOURCE_DOES_NOT_EXIST", "Job '999' does not exist"),
    ("GET", f"{JOBS}/get", "job_id=x", None, 400, "INVALID_PARAMETER_VALUE", "job_id must be a whole number, got 'x'"),
    ("GET", f"{JOBS}/get", "", None, 400, "INVALID_PARAMETER_VALUE", "Missing required field: job_id"),
    ("POST", f"{JOBS}/run-now", "", {"job_id": 999}, 404, "RESOURCE_DOES_NOT_EXIST", "Job '999'"),
    ("GET", f"{JOBS}/runs/get", "run_id=1000000999", None, 404, "RESOURCE_DOES_NOT_EXIST", "Run '1000000999'"),
    ("GET", f"{JOBS}/runs/list", "limit=-1", None, 400, "INVALID_PARAMETER_VALUE", "at least one entry, got -1"),
    ("GET", f"{UC}/tables", "catalog_name=cdh_test&schema_name=no", None, 404, "RESOURCE_DOES_NOT_EXIST", "cdh_test.no"),
    ("GET", f"{UC}/schemas/cdh_test.no", "", None, 404, "RESOURCE_DOES_NOT_EXIST", "Schema 'cdh_test.no' does not exist"),
    ("POST", f"{UC}/schemas", "", {"catalog_name": "no", "name": "s"}, 404, "RESOURCE_DOES_NOT_EXIST", "Catalog 'no'"),
    ("POST", f"{UC}/schemas", "", {"catalog_name": "cdh_test", "name": "ml"}, 409, "RESOURCE_ALREADY_EXISTS", "'cdh_test.ml'"),
    ("POST", f"{UC}/catalogs", "", {"name": "second"}, 400, "INVALID_PARAMETER_VALUE", "one catalog a workspace"),
    ("PATCH", f"{UC}/schemas/cdh_test.ml", "", {"new_name": "x"}, 400, "INVALID_PARAMETER_VALUE", "renames nothing"),
    ("GET", f"{UC}/permissions/cluster/x", "", None, 400, "INVALID_PARAMETER_VALUE", "valid: catalog"),
    ("PATCH", f"{UC}/permissions/table/cdh_test.ml.no", "", {"changes": []}, 404, "RESOURCE_DOES_NOT_EXIST", "cdh_test.ml.no"),
    ("PUT", "/api/2.0/permissions/jobs/1", "", {"access_control_list": [{"group_name": "g", "permission_level": "CAN_RUN"}]},
     404, "RESOURCE_DOES_NOT_EXIST", "Job '1' does not exist"),
    ("PUT", "/api/2.0/permissions/sql/warehouses/1", "",
     {"access_control_list": [{"group_name": "g", "permission_level": "CAN_RUN"}]}, 400, "INVALID_PARAMETER_VALUE",
     "permission_level 'CAN_RUN' is not valid for sql/warehouses"),
    ("GET", "/api/2.0/permissions/spaceships/1", "", None, 400, "INVALID_PARAMETER_VALUE", "valid: alertsv2"),
    ("PUT", f"{FILES}/Volumes/cdh_test/ml/no/a.txt", "", b"x", 404, "RESOURCE_DOES_NOT_EXIST", "cdh_test.ml.no"),
    ("GET", f"{FILES}/Volumes/cdh_test/ml/artifacts/../../../../x", "", None, 400, "INVALID_PARAMETER_VALUE", "no path on a volume"),
    ("GET", f"{FILES}/dbfs/x", "", None, 400, "INVALID_PARAMETER_VALUE", "no path on a volume"),
    ("POST", "/api/2.0/policies/clusters/create", "", {"name": "p", "definition": "{"}, 400, "INVALID_PARAMETER_VALUE",
     "Policy definition is no JSON"),
    ("PATCH", "/api/2.0/preview/scim/v2/Groups/9", "", {"Operations": []}, 404, "RESOURCE_DOES_NOT_EXIST", "Group '9'"),
    ("POST", "/api/2.0/workspace/mkdirs", "", {"path": "relative"}, 400, "INVALID_PARAMETER_VALUE", "doesn't start with '/'"),
    ("GET", "/api/2.0/workspace/get-status", "path=%2Fno", None, 404, "RESOURCE_DOES_NOT_EXIST", "Path (/no) doesn't exist"),
    ("POST", "/api/2.0/secrets/acls/put", "", {"scope": "no", "principal": "p", "permission": "READ"}, 404,
     "RESOURCE_DOES_NOT_EXIST", "'no' does not exist"),
    ("GET", "/api/2.0/clusters/list", "", None, 404, "ENDPOINT_NOT_FOUND", "GET /api/2.0/clusters/list"),
    ("DELETE", f"{JOBS}/get", "", None, 404, "ENDPOINT_NOT_FOUND", f"DELETE {JOBS}/get"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query", "body", "status", "code", "named"), CASES)
def test_a_bad_request_is_refused_by_name_and_changes_nothing(served, method, path, query, body, status, code, named):
    store = served.door.workspace.store
    before = [(item.type, item.id, json.dumps(item.body)) for item in store.list()]
    answer = client(served, "deployer").call(method, path, body, query)
    assert (answer.status, answer.code) == (status, code), answer
    assert named in answer.body["message"]
    assert [(item.type, item.id, json.dumps(item.body)) for item in store.list()] == before


@pytest.mark.parametrize(
    ("token", "status", "code"), [("", 401, "UNAUTHENTICATED"), ("dapi0", 403, "PERMISSION_DENIED")]
)
def test_no_token_and_a_wrong_one_are_refused(served, token, status, code):
    answer = Client(served.host, token).call("GET", "/api/2.0/preview/scim/v2/Me")
    assert (answer.status, answer.code) == (status, code)


def test_the_token_of_a_deleted_principal_ends_with_it(served):
    sp = client(served, "sp-train-dev")
    assert sp.get("/api/2.0/preview/scim/v2/Me")["displayName"] == "sp-train-dev"
    deleted = client(served, "deployer").call("DELETE", "/api/2.0/preview/scim/v2/ServicePrincipals/1")
    assert deleted.status == 204
    answer = sp.call("GET", "/api/2.0/preview/scim/v2/Me")
    assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")
    assert "sp-train-dev was deleted" in answer.body["message"]


def test_a_new_principal_has_a_token_at_once_and_the_others_keep_theirs(served):
    before = {one.name: one.token for one in served.tokens.all()}
    client(served, "deployer").post("/api/2.0/preview/scim/v2/ServicePrincipals", displayName="sp-new")
    after = {one.name: one.token for one in served.tokens.all()}
    assert before.items() < after.items()
    assert client(served, "sp-new").get("/api/2.0/preview/scim/v2/Me")["displayName"] == "sp-new"


def test_only_their_owner_may_read_the_tokens(served):
    assert stat.S_IMODE(served.tokens.path.stat().st_mode) == 0o600
    assert len({one.token for one in served.tokens.all()}) == len(served.tokens.all()) == 5


def test_tokens_that_cannot_be_read_are_named(served):
    served.tokens.path.write_text("{}")
    with pytest.raises(SandboxError, match=r"tokens\.json cannot be read"):
        served.tokens.all()


def test_a_port_in_use_is_named(workspace):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        door = serving(workspace, CACHE, PEOPLE, port=port, services=NoServers())
        with pytest.raises(SandboxError, match=f"port {port} is in use on 127.0.0.1"), door:
            pass


OTHERS = [
    ("POST", f"{JOBS}/create", {"name": "j"}, "cannot create a job"),
    ("POST", f"{UC}/schemas", {"catalog_name": "cdh_test", "name": "x"}, "CREATE SCHEMA on Catalog 'cdh_test'"),
    ("PATCH", f"{UC}/schemas/cdh_test.ml", {"comment": "x"}, "MANAGE on Schema 'cdh_test.ml'"),
    ("DELETE", f"{UC}/volumes/cdh_test.ml.artifacts", None, "MANAGE on Volume 'cdh_test.ml.artifacts'"),
    ("PATCH", f"{UC}/permissions/schema/cdh_test.ml", {"changes": []}, "MANAGE on Schema 'cdh_test.ml'"),
    ("POST", "/api/2.0/preview/scim/v2/Groups", {"displayName": "g"}, "cannot create a group"),
    ("DELETE", "/api/2.0/preview/scim/v2/ServicePrincipals/1", None, "cannot remove a service principal"),
    (
        "PUT",
        "/api/2.0/permissions/experiments/1",
        {"access_control_list": []},
        "CAN_MANAGE permission on /experiments/1",
    ),
    ("POST", "/api/2.0/sql/warehouses", {"name": "w"}, "cannot create a SQL warehouse"),
    ("POST", "/api/2.0/mlflow/experiments/create", {"name": "/Shared/x"}, "CAN_EDIT permission on /Shared"),
]


@pytest.mark.parametrize(("method", "path", "body", "named"), OTHERS)
@pytest.mark.parametrize("who", ["r3@cdh.example", "sp-train-dev"])
def test_who_may_not_is_told_what_is_missing(served, who, method, path, body, named):
    answer = client(served, who).call(method, path, body)
    assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")
    assert named in answer.body["message"]


def test_an_owner_may_change_what_it_owns_and_grant_on_it(served):
    resource(
        served.door.workspace, "schema", "cdh_test.own", catalog_name="cdh_test", name="own", owner="r5@cdh.example"
    )
    r5 = client(served, "r5@cdh.example")
    assert r5.call("PATCH", f"{UC}/schemas/cdh_test.own", {"comment": "mine"}).body["comment"] == "mine"
    change = {"changes": [{"principal": "cdh-ml-data-science-analysts", "add": ["USE SCHEMA"]}]}
    assert r5.call("PATCH", f"{UC}/permissions/schema/cdh_test.own", change).status == 200
    assert client(served, "r3@cdh.example").get(f"{UC}/schemas/cdh_test.own")["comment"] == "mine"
