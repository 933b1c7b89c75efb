"""Every request that the real provider was recorded sending, in its order; MLflow is the real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from rest_bench import CACHE, RECORDED, Answer, Client, client
from werkzeug.routing import Map, Rule

from sandbox.rest.asking import RECORDED as FROM_RECORDING
from sandbox.rest.door import ROUTES
from sandbox.rest.server import serving
from sandbox.services import Services
from sandbox.workspace import Workspace

PHASES = ("create", "update", "delete")
# What the recording's own small service chose: an id, an etag, a UUID.
CHOSEN = re.compile(r"1\d{3}|uuid-\d+|e\d|ds-\d+")
# Fields whose value is the service's own choice.
SERVERS = {
    "artifact_location", "catalog_id", "created_at", "created_at_timestamp", "created_by", "created_time",
    "creation_time", "create_time", "creator", "creator_user_name", "credential_id", "dashboard_id",
    "drift_metrics_table_name", "etag", "full_name", "groups", "hostname", "id", "jdbc_url", "last_update_time",
    "metastore_id", "num_clusters", "object_id", "owner", "owner_user_name", "path", "profile_metrics_table_name",
    "run_as_user_name", "schema_id", "state", "status", "update_time", "userName", "displayName", "volume_id",
    "user_name", "experiment_id",
}  # fmt: skip
# Where that service gave back something older or other than what it had been sent.
STALE = {
    ("databricks_mlflow_experiment.x", "update"): "the new name was not kept",
    ("databricks_permissions.x", "update"): "the same",
    ("databricks_permissions.w", "update"): "the warehouse's new auto_stop_mins was not kept",
    ("databricks_sql_endpoint.w", "update"): "the same",
    ("databricks_query.q", "update"): "the same",
    ("databricks_alert.a", "update"): "the same",
    ("databricks_permissions.w", "delete"): "the same",
    ("databricks_permissions.m", "update"): "the new entity_version was kept beside the old one",
    ("databricks_model_serving.m", "update"): "the same",
    ("databricks_group_member.gm", "delete"): "the member was not removed",
    ("databricks_workspace_binding.b", "delete"): "the binding was not removed",
    ("databricks_catalog.c", "update"): "the same binding stands there twice",
}


def recorded() -> list[dict[str, Any]]:
    """Every resource in an order in which each comes after what it needs."""
    if not RECORDED.exists():
        return []
    types = json.loads(RECORDED.read_text())["resources"]
    plain = [one for name, found in types.items() if name != "databricks_permissions" for one in found]
    return plain + types["databricks_permissions"]


RESOURCES = recorded()
pytestmark = pytest.mark.skipif(not RESOURCES, reason=f"{RECORDED.name} is not beside the checkout")


@dataclass
class Replayed:
    """One recorded call and the door's answer. asked: the body with the door's own ids."""

    call: dict[str, Any]
    asked: Any
    answer: Answer


class Replay:
    """Sends recorded calls with the door's ids in place of the recorded ones."""

    def __init__(self, sender: Client) -> None:
        self.sender, self.ids = sender, dict[str, str]()

    def send(self, call: dict[str, Any]) -> Replayed:
        path = "/".join(self.ids.get(part, part) for part in call["path"].split("/"))
        query = urlencode([(key, self.ids.get(one, one)) for key, one in parse_qsl(call.get("query", ""), True)])
        asked = self.ours(call.get("body"))
        body = b"x" * asked["<bytes>"] if isinstance(asked, dict) and "<bytes>" in asked else asked
        answer = self.sender.call(call["method"], path, body, query)
        self.learn(call["response"], answer.body)
        return Replayed(call, asked, answer)

    def learn(self, theirs: Any, ours: Any) -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in theirs.keys() & ours.keys():
                self.learn(theirs[key], ours[key])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for one, other in zip(theirs, ours, strict=False):
                self.learn(one, other)
        elif isinstance(theirs, str | int) and CHOSEN.fullmatch(str(theirs)):
            self.ids[str(theirs)] = str(ours)

    def ours(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.ours(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.ours(one) for one in value]
        found = self.ids.get(str(value))
        return value if found is None else int(found) if isinstance(value, int) else found


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], list[Replayed]]]:
    workspace = Workspace(tmp_path_factory.mktemp("replay") / "dbw-cdh-replay")
    with Services(workspace, CACHE) as services, serving(workspace, CACHE, services=services) as served:
        replay, found = Replay(client(served, "deployer")), {}
        for phase in PHASES:
            for one in RESOURCES if phase != "delete" else reversed(RESOURCES):
                found[one["address"], phase] = [replay.send(call) for call in one[phase]]
        found["ids", ""] = replay  # type: ignore[assignment]
        found["left", ""] = [(item.type, item.id) for item in workspace.store.list()]  # type: ignore[misc]
        yield found


CASES = [(one["address"], phase) for one in RESOURCES for phase in PHASES if one[phase]]


@pytest.mark.clause("P5")
@pytest.mark.parametrize(("address", "phase"), CASES)
def test_each_recorded_request_is_answered_with_the_fields_that_the_real_provider_took(replayed, address, phase):
    for one in replayed[address, phase]:
        where = f"{one.call['method']} {one.call['path']}"
        assert one.answer.status == one.call["status"], f"{where}: {one.answer}"
        lost = sorted(missing(one.call["response"], one.answer.body))
        assert not lost, f"{where}: {lost} not in {one.answer.body}"


def missing(theirs: Any, ours: Any, at: str = "") -> set[str]:
    """Fields of the recorded answer that ours has not; null is the same as not being there."""
    if isinstance(theirs, dict):
        found = set()
        for key, value in theirs.items():
            if value is None:
                continue
            if not isinstance(ours, dict) or key not in ours:
                found.add(f"{at}{key}")
            else:
                found |= missing(value, ours[key], f"{at}{key}.")
        return found
    if isinstance(theirs, list):
        if not isinstance(ours, list):
            return {at}
        return {lost for one, other in zip(theirs, ours, strict=False) for lost in missing(one, other, at)}
    return set()


@pytest.mark.parametrize(("address", "phase"), CASES)
def test_what_the_service_does_not_choose_has_the_recorded_value(replayed, address, phase):
    if (address, phase) in STALE:
        return
    replay = replayed["ids", ""]
    for one in replayed[address, phase]:
        different = list(differences(replay.ours(one.call["response"]), one.answer.body))
        assert not different, f"{one.call['method']} {one.call['path']}: {different}"


def differences(theirs: Any, ours: Any, at: str = "") -> Iterator[str]:
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            if value is not None and key not in SERVERS:
                yield from differences(value, ours[key], f"{at}.{key}")
    elif isinstance(theirs, list):
        if len(theirs) != len(ours):
            yield f"{at} has {len(ours)} entries, recorded {len(theirs)}"
        for i, (one, other) in enumerate(zip(theirs, ours, strict=False)):
            yield from differences(one, other, f"{at}.{i}")
    elif theirs != ours:
        yield f"{at} is {ours!r}, recorded {theirs!r}"


WRAPPED = ("new_settings", "query", "alert", "rule_set")
NOT_TOLD = {
    "auto_resolve_display_name", "update_mask", "overwrite", "content", "format", "new_settings", "job_id", "schemas",
    "etag", "id", "scope_backend_type", "scope",
}  # fmt: skip


@pytest.mark.parametrize(("address", "phase"), [case for case in CASES if case[1] != "delete"])
def test_what_was_sent_reads_back_as_it_was_sent(replayed, address, phase):
    calls = replayed[address, phase]
    checked = 0
    for one, later in ((a, b) for i, a in enumerate(calls) for b in calls[i + 1 :]):
        if one.call["method"] == "GET" or later.call["method"] not in ("GET", "HEAD") or "body" not in one.call:
            continue
        if "warehouses" in one.call["path"] and later.call["path"].startswith("/api/2.0/preview/sql/data_sources"):
            continue
        checked += reads_back(one.asked, later)
    assert checked or not any("body" in one.call for one in calls) or address in WITHOUT_READ, "nothing was compared"


# No read of what was changed follows in the recording, or it says nothing of it.
WITHOUT_READ = {
    "databricks_directory.d",
    "databricks_workspace_file.w",
    "databricks_access_control_rule_set.r",
    "databricks_permissions.d",
}


def reads_back(asked: dict[str, Any], later: Replayed) -> int:
    if "<bytes>" in asked:
        assert later.answer.headers["content-length"] == str(asked["<bytes>"])
        return 1
    told = later.answer.body
    if "access_control_list" in asked:
        given = [{**one, "all_permissions": [one["permission_level"]]} for one in asked["access_control_list"]]
        shown = [
            {**one, "all_permissions": [level["permission_level"] for level in one["all_permissions"]]}
            for one in told["access_control_list"]
        ]
        assert [{k: v for k, v in one.items() if k != "permission_level"} for one in given] == shown
        return 1
    if "changes" in asked:
        shown = {one["principal"]: set(one["privileges"]) for one in told["privilege_assignments"]}
        assert all(set(change["add"]) <= shown[change["principal"]] for change in asked["changes"])
        return 1
    if "add" in asked:
        bound = told.get("bindings")
        assert bound is None or all(one in bound for one in asked["add"])
        return int(bound is not None)
    if "Operations" in asked:
        assert asked["Operations"][0]["value"] == told["members"]
        return 1
    if "scope" in asked and "scopes" in told:
        assert asked["scope"] in [one["name"] for one in told["scopes"]]
        return 1
    if "new_name" in asked:
        assert told["experiment"]["name"] == asked["new_name"]
        return 1
    inner = next((asked[key] for key in WRAPPED if isinstance(asked.get(key), dict)), asked)
    shown = told.get("settings") or told.get("experiment") or told
    if "served_entities" in inner:
        shown = shown["config"]
    sent = {key: value for key, value in inner.items() if key not in NOT_TOLD and value not in (None, [{}])}
    if not sent or not sent.keys() & shown.keys():
        return 0
    different = list(differences({k: v for k, v in sent.items() if k not in SERVERS}, shown))
    assert not different, f"{later.call['path']}: {different}"
    return len(sent)


def test_nothing_is_left_when_all_is_deleted(replayed):
    assert replayed["left", ""] == []


def test_every_endpoint_marked_as_recorded_was_replayed_and_no_other(replayed):
    """Endpoints beyond the recording are marked as coming from the documentation, not replayed."""
    rules = Map([Rule(r.path, methods=[r.method], endpoint=r) for r in ROUTES], strict_slashes=False).bind("x")
    used = {
        rules.match(call["path"], call["method"])[0] for one in RESOURCES for phase in PHASES for call in one[phase]
    }
    marked = {route for route in ROUTES if route.source == FROM_RECORDING}
    assert {f"{r.method} {r.path}" for r in used} == {f"{r.method} {r.path}" for r in marked}
    assert len(RESOURCES) == 39
