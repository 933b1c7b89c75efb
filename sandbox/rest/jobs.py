"""Jobs: what is deployed."""

from __future__ import annotations

from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid, missing, page
from sandbox.rest.translate import answer, attributes
from sandbox.store import Resource

ROUTES = Routes()
TYPE = "databricks_job"
# The provider's own arguments, and the settings of a job without a list of tasks.
_TERRAFORMS = frozenset({"id", "url", "always_running", "control_run_state", "timeouts", "retry_on_timeout"})
VERSIONS = ("2.2", "2.1")


def job(ask: Ask, level: str) -> Resource:
    """The job that ``job_id`` names, if the caller has this level on it."""
    number = ask.number("job_id")
    found = ask.resources.find(TYPE, str(number))
    if found is None:
        raise missing("Job", number)
    ask.caller.need_level(f"/jobs/{number}", level)
    return found


def settings(ask: Ask, found: Resource) -> Object:
    """What a job says, as the API tells it."""
    return answer(ask.resources.block(TYPE), found.body, without=_TERRAFORMS)


def run_as(found: Resource) -> str:
    """Who the job runs as: what it says, else who deploys."""
    given = (found.body.get("run_as") or [{}])[0]
    return str(given.get("service_principal_name") or given.get("user_name") or "deployer")


def _told(ask: Ask, found: Resource, *, tasks: bool) -> Object:
    said = settings(ask, found)
    if not tasks:
        for name in ("tasks", "job_clusters", "environments"):
            said.pop(name, None)
    return {
        "job_id": int(found.id),
        "creator_user_name": "deployer",
        "run_as_user_name": run_as(found),
        "created_time": found.created_at,
        "settings": said,
    }


def _create(ask: Ask) -> Object:
    ask.caller.need_admin("create a job")
    return {"job_id": int(ask.resources.create(TYPE, attributes(ask.resources.block(TYPE), ask.body))["id"])}


def _get(ask: Ask) -> Object:
    return _told(ask, job(ask, "CAN_VIEW"), tasks=True)


def _list(ask: Ask) -> Object:
    """Those that the caller may see, by name if one is given; the newest first."""
    name = ask.query.get("name", "").lower()
    found = [
        _told(ask, item, tasks=ask.flag("expand_tasks"))
        for item in reversed(ask.resources.list(TYPE))
        if name in ("", str(item.body["name"]).lower()) and ask.caller.has_level(f"/jobs/{item.id}", "CAN_VIEW")
    ]
    shown = page(ask, "jobs", found, 20, 100)
    return shown | {"has_more": "next_page_token" in shown}


def _new_settings(ask: Ask) -> Object:
    given = ask.body.get("new_settings") or {}
    if not isinstance(given, dict):
        raise invalid("new_settings must be an object")
    return attributes(ask.resources.block(TYPE), given)


def _reset(ask: Ask) -> Object:
    ask.resources.replace(TYPE, job(ask, "CAN_MANAGE").id, _new_settings(ask))
    return {}


def _update(ask: Ask) -> Object:
    """Top-level fields as they are given; those to remove are emptied."""
    found, given = job(ask, "CAN_MANAGE"), _new_settings(ask)
    block = ask.resources.block(TYPE)
    removed: Object = {}
    for name in ask.body.get("fields_to_remove") or []:
        if name not in block["attributes"] and name not in block["block_types"]:
            raise invalid(f"fields_to_remove: '{name}' is no field of a job that can be removed whole")
        removed[name] = None
    ask.resources.change(TYPE, found.id, removed | given)
    return {}


def _delete(ask: Ask) -> Object:
    ask.resources.remove(TYPE, job(ask, "CAN_MANAGE").id)
    return {}


for version in VERSIONS:
    # The real provider speaks 2.2; clients of some time ago still say 2.1.
    source = () if version == "2.2" else (DOCUMENTED,)
    ROUTES.add("POST", f"/api/{version}/jobs/create", _create, *source)
    ROUTES.add("GET", f"/api/{version}/jobs/get", _get, *source)
    ROUTES.add("POST", f"/api/{version}/jobs/reset", _reset, *source)
    ROUTES.add("POST", f"/api/{version}/jobs/delete", _delete, *source)
    ROUTES.add("POST", f"/api/{version}/jobs/update", _update, DOCUMENTED)
    ROUTES.add("GET", f"/api/{version}/jobs/list", _list, DOCUMENTED)
