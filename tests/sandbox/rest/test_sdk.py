"""The official SDK, unchanged, as a person of R3 and as sp-train."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceDoesNotExist,
)
from databricks.sdk.service.jobs import RunLifeCycleState, RunResultState
from rest_bench import R3, SP_TRAIN, resource
from runner_bench import REQUIREMENTS, WHEEL, build_wheel, task

from sandbox.rest.server import Served

pytestmark = pytest.mark.clause("P5")
LONG = timedelta(seconds=30)


def sdk(served: Served, name: str) -> WorkspaceClient:
    return WorkspaceClient(host=served.host, token=served.tokens.named(name).token)


@pytest.fixture
def jobs(served: Served) -> dict[str, int]:
    """Jobs that R3 may start, may only see, and may not know of; sp-train may start the first."""
    store = served.door.workspace
    for path in (WHEEL, REQUIREMENTS):
        store.volume_path(path).parent.mkdir(parents=True, exist_ok=True)
    build_wheel(store.volume_path(WHEEL))
    store.volume_path(REQUIREMENTS).write_text("")
    cluster = [{"job_cluster_key": "ml_cpu", "new_cluster": [{}]}]
    run_as = [{"service_principal_name": SP_TRAIN}]
    parameters = [{"name": "who", "default": "nobody"}]
    told = {"named": {"who": "{{job.parameters.who}}"}}
    found: dict[str, int] = {}
    for i, (name, tasks) in enumerate(
        {
            "train": [task("say", "say", **told)],
            "broken": [task("first", "say", **told), task("second", "fail", ["first"])],
            "watched": [task("say", "say")],
            "hidden": [task("say", "say")],
            "long": [task("hangs", "hang", named={"started": str(store.root / "up")}, timeout_seconds=6)],
        }.items(),
        start=1,
    ):
        found[name] = 100 + i
        body: dict[str, Any] = {"name": name, "task": tasks, "job_cluster": cluster, "run_as": run_as}
        resource(store, "job", str(100 + i), **body, parameter=parameters)
    for name, level in {**dict.fromkeys(("train", "broken", "long"), "CAN_MANAGE_RUN"), "watched": "CAN_VIEW"}.items():
        access = [{"group_name": R3, "permission_level": level}]
        if name == "train":
            access.append({"service_principal_name": SP_TRAIN, "permission_level": "CAN_MANAGE_RUN"})
        resource(store, "permissions", f"/jobs/{found[name]}", access_control=access)
    return found


@pytest.mark.parametrize("who", ["r3@cdh.example", "sp-train-dev"])
def test_a_run_is_started_watched_and_read(served, jobs, who):
    client = sdk(served, who)
    waiting = client.jobs.run_now(jobs["train"], job_parameters={"who": who})
    run = waiting.result(timeout=LONG)
    assert run.state is not None
    assert (run.state.life_cycle_state, run.state.result_state) == (
        RunLifeCycleState.TERMINATED,
        RunResultState.SUCCESS,
    ), run.state.state_message
    assert run.tasks is not None
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    assert output.logs == f'said {{"who": "{who}"}}'
    assert [one.run_id for one in client.jobs.list_runs(job_id=jobs["train"])] == [run.run_id]


def test_a_failed_task_says_why_and_a_run_of_several_tasks_has_no_output_of_its_own(served, jobs):
    client = sdk(served, "r3@cdh.example")
    # "Retrieving the output of runs with multiple tasks is not supported."
    waiting = client.jobs.run_now(jobs["broken"])
    for _ in range(300):
        run = client.jobs.get_run(waiting.run_id)
        if run.state.life_cycle_state == RunLifeCycleState.TERMINATED:
            break
        served.door.running.wait(0.1)
    assert run.state.result_state == RunResultState.FAILED
    with pytest.raises(InvalidParameterValue, match=r"retrieve the output of each individual task run"):
        client.jobs.get_run_output(run.run_id)
    second = next(one for one in run.tasks if one.task_key == "second")
    output = client.jobs.get_run_output(second.run_id)
    assert output.error == "ValueError: the reason is this one"
    assert "before the end" in output.logs


def test_r3_sees_and_starts_only_what_its_levels_allow(served, jobs):
    client = sdk(served, "r3@cdh.example")
    assert {one.job_id for one in client.jobs.list()} == {jobs["train"], jobs["broken"], jobs["watched"], jobs["long"]}
    with pytest.raises(PermissionDenied, match=rf"CAN_MANAGE_RUN permission on /jobs/{jobs['watched']}"):
        client.jobs.run_now(jobs["watched"])
    with pytest.raises(PermissionDenied, match=rf"CAN_VIEW permission on /jobs/{jobs['hidden']}"):
        client.jobs.get(jobs["hidden"])
    with pytest.raises(PermissionDenied, match=rf"CAN_MANAGE permission on /jobs/{jobs['train']}"):
        client.jobs.delete(jobs["train"])
    assert not list(sdk(served, "r5@cdh.example").jobs.list())


def test_the_same_idempotency_token_starts_one_run(served, jobs):
    client = sdk(served, "r3@cdh.example")
    runs = {client.jobs.run_now(jobs["train"], idempotency_token="once").run_id for _ in range(3)}
    assert len(runs) == 1


def test_what_the_runner_cannot_do_is_refused_and_named(served, jobs):
    client = sdk(served, "r3@cdh.example")
    with pytest.raises(InvalidParameterValue, match=r"has no parameter 'when'; valid: who"):
        client.jobs.run_now(jobs["train"], job_parameters={"when": "now"})
    with pytest.raises(NotImplemented, match=r"job_parameters only, not with notebook_params"):
        client.jobs.run_now(jobs["train"], notebook_params={"a": "b"})
    with pytest.raises(ResourceDoesNotExist, match=r"Run '77' does not exist"):
        client.jobs.get_run(77)


def test_cancel_and_repair_are_the_runners_or_answered_as_not_there(served, jobs):
    client = sdk(served, "r3@cdh.example")
    run_id = client.jobs.run_now(jobs["broken"]).run_id
    served.door.running.wait(30)
    client.jobs.repair_run(run_id, rerun_all_failed_tasks=True)
    served.door.running.wait(30)
    assert client.jobs.get_run(run_id).state.result_state == RunResultState.FAILED
    client.jobs.cancel_run(run_id)  # over: "if the run is already in a terminal state", nothing happens
    assert client.jobs.get_run(run_id).state.result_state == RunResultState.FAILED


def test_an_active_run_is_canceled_by_who_may_manage_runs(served, jobs):
    client, up = sdk(served, "r3@cdh.example"), served.door.workspace.root / "up"
    run_id = client.jobs.run_now(jobs["long"]).run_id
    for _ in range(200):
        if up.exists():
            break
        time.sleep(0.02)
    assert [one.run_id for one in client.jobs.list_runs(active_only=True)] == [run_id]
    with pytest.raises(PermissionDenied, match="CAN_MANAGE_RUN"):
        sdk(served, "sp-train-dev").jobs.cancel_run(run_id)
    client.jobs.cancel_run(run_id)
    served.door.running.wait(30)
    assert client.jobs.get_run(run_id).state.result_state == RunResultState.CANCELED
    assert not list(client.jobs.list_runs(active_only=True))


def test_tables_are_those_that_one_may_read(served):
    """ "the caller must ... have the SELECT privilege on the table ... USE_CATALOG ... and USE_SCHEMA"."""
    r3, cleared, sp = (sdk(served, name) for name in ("r3@cdh.example", "r3-uci130@cdh.example", "sp-train-dev"))
    assert [one.full_name for one in r3.tables.list("cdh_test", "ml")] == ["cdh_test.ml.predictions"]
    assert [one.full_name for one in r3.tables.list("cdh_test", "uci130_ra")] == []
    assert len(list(cleared.tables.list("cdh_test", "uci130_ra"))) == 1
    columns = r3.tables.get("cdh_test.ml.predictions").columns
    assert [(one.name, one.type_text) for one in columns] == [("person_id", "bigint"), ("score", "double")]
    browsed = list(r3.tables.list("cdh_test", "uci130_ra", include_browse=True))
    assert [(one.browse_only, one.columns) for one in browsed] == [(True, [])]
    with pytest.raises(PermissionDenied, match=r"User does not have SELECT on Table 'cdh_test.uci130_ra.feature"):
        sp.tables.get("cdh_test.uci130_ra.feature_length_of_stay")
    with pytest.raises(PermissionDenied, match=r"User does not have USE SCHEMA on Schema 'cdh_test.uci130_ra'"):
        r3.tables.get("cdh_test.uci130_ra.feature_length_of_stay")
    with pytest.raises(ResourceDoesNotExist, match=r"Table 'cdh_test.ml.nothing' does not exist"):
        r3.tables.get("cdh_test.ml.nothing")


def test_effective_permissions_name_what_they_are_inherited_from(served):
    r3, sp = sdk(served, "r3@cdh.example"), sdk(served, "sp-train-dev")

    def held(client: WorkspaceClient, who: str) -> set[tuple[str, str, str]]:
        found = client.grants.get_effective("TABLE", "cdh_test.ml.predictions", principal=who)
        return {
            (one.privilege.value, one.inherited_from_type.value, one.inherited_from_name)
            for assignment in found.privilege_assignments
            for one in assignment.privileges
        }

    zone = ("SCHEMA", "cdh_test.ml")
    assert held(sp, SP_TRAIN) == {
        ("USE_CATALOG", "CATALOG", "cdh_test"), ("USE_SCHEMA", *zone), ("SELECT", *zone), ("MODIFY", *zone),
    }  # fmt: skip
    assert ("SELECT", *zone) in held(r3, "r3@cdh.example")
    assert held(r3, R3) == held(r3, "r3@cdh.example")
    with pytest.raises(PermissionDenied, match=r"User does not have MANAGE on Table"):
        r3.grants.get_effective("TABLE", "cdh_test.ml.predictions", principal=SP_TRAIN)
    whole = sdk(served, "deployer").grants.get_effective("TABLE", "cdh_test.ml.predictions")
    assert len(whole.privilege_assignments) == 3


def test_files_on_a_volume_need_the_volumes_privileges(served):
    r3, r5, sp = (sdk(served, name) for name in ("r3@cdh.example", "r5@cdh.example", "sp-train-dev"))
    path = "/Volumes/cdh_test/ml/artifacts/reports/a b.txt"
    sp.files.upload(path, io.BytesIO(b"counts only"), overwrite=True)
    assert r3.files.download(path).contents.read() == b"counts only"
    assert r3.files.get_metadata(path).content_length == 11
    listed = r3.files.list_directory_contents("/Volumes/cdh_test/ml/artifacts/reports")
    assert [(one.name, one.file_size) for one in listed] == [("a b.txt", 11)]
    with pytest.raises(PermissionDenied, match=r"User does not have WRITE VOLUME on Volume 'cdh_test.ml.artifacts'"):
        r3.files.upload(path, io.BytesIO(b"no"), overwrite=True)
    with pytest.raises(PermissionDenied, match=r"User does not have USE SCHEMA on Schema 'cdh_test.ml'"):
        r5.files.download(path)
    with pytest.raises(PermissionDenied, match=r"WRITE VOLUME"):
        r3.files.delete(path)
    sp.files.delete(path)
    with pytest.raises(NotFound):
        sp.files.download(path)
    assert served.door.workspace.store.read("databricks_file", path) is None


def test_every_page_of_a_list_is_read(served):
    for i in range(45):
        resource(served.door.workspace, "job", str(5000 + i), name=f"job {i}", task=[])
    found = [one.job_id for one in sdk(served, "deployer").jobs.list(limit=20)]
    assert found == [5000 + i for i in reversed(range(45))]
    assert [one.display_name for one in sdk(served, "deployer").service_principals.list()] == ["sp-train-dev"]


def test_who_one_is(served):
    me = sdk(served, "r3-uci130@cdh.example").current_user.me()
    assert me.user_name == "r3-uci130@cdh.example"
    assert {one.display for one in me.groups} == {R3, f"{R3}-uci130"}
    assert sdk(served, "sp-train-dev").current_user.me().user_name == SP_TRAIN


def test_an_endpoint_that_is_not_there_says_so(served):
    with pytest.raises(NotFound, match=r"The sandbox does not have GET /api/2\.\d/clusters/list") as refused:
        list(sdk(served, "deployer").clusters.list())
    assert refused.value.error_code == "ENDPOINT_NOT_FOUND"


def test_system_schemas_are_switched_on_by_an_administrator_and_are_what_terraform_keeps(served):
    metastore = "00000000-0000-0000-0000-000000000000"
    admin, sp = sdk(served, "deployer"), sdk(served, "sp-train-dev")

    def on(client: WorkspaceClient) -> set[str]:
        return {one.schema for one in client.system_schemas.list(metastore) if one.state == "ENABLE_COMPLETED"}

    assert on(admin) == set()
    admin.system_schemas.enable(metastore, "access")
    admin.system_schemas.enable(metastore, "access")
    assert on(sp) == {"access"}
    (kept,) = served.door.workspace.store.list("databricks_system_schema")
    assert (kept.id, kept.body["full_name"]) == (f"{metastore}|access", "system.access")
    with pytest.raises(PermissionDenied):
        sp.system_schemas.disable(metastore, "access")
    with pytest.raises(InvalidParameterValue, match="system schema 'secrets' is unknown; valid: access, billing"):
        admin.system_schemas.enable(metastore, "secrets")
    with pytest.raises(NotFound, match="Metastore 'other' does not exist"):
        admin.system_schemas.enable("other", "access")
    admin.system_schemas.disable(metastore, "access")
    assert on(admin) == set()
