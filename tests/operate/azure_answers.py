"""A workspace on Azure as its documentation tells it: a few answers of the REST API, on loopback.

Shapes from "Databricks REST API reference", Jobs API 2.2 (jobs/list, jobs/get, jobs/runs/get, jobs/runs/list,
jobs/runs/get-output, jobs/run-now, jobs/runs/repair) and Unity Catalog (schemas, registered models), and from what
clients of the API say they meet: attempts of one task are entries with the same key, in no order (Apache Airflow,
providers/databricks: "the Databricks API does not return tasks sorted by their attempts/start time"). What only the
sandbox gives is missing: a reason in `state_message`, a running task's log, names of iterations, counts of iterations.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SEE_OUTPUT = "Workload failed, see run output for details"
T0 = 1_767_261_600_000  # 2026-01-01 10:00:00 UTC
TAGS = {"system": "cdh-mlops", "stage": "prod", "code": "abc123"}


def status(code: str = "", message: str = "", state: str = "TERMINATED") -> dict[str, Any]:
    """The newer form only."""
    if state != "TERMINATED":
        return {"status": {"state": state}}
    kind = "SUCCESS" if code == "SUCCESS" else "CLIENT_ERROR"
    return {"status": {"state": state, "termination_details": {"code": code, "type": kind, "message": message}}}


def entry(run_id: int, key: str, start: int, end: int, kind: str = "python_wheel_task", **more: Any) -> dict[str, Any]:
    """One attempt of a task; times in seconds after T0, 0: none."""
    return {
        "run_id": run_id,
        "task_key": key,
        "start_time": T0 + start * 1000 if start else 0,
        "end_time": T0 + end * 1000 if end else 0,
        "attempt_number": 0,
        "cleanup_duration": 0,
        kind: {"package_name": "cdh_mlops_jobs", "entry_point": key},
        **more,
    }


CONDITION = {"op": "EQUAL_TO", "left": "{{tasks.observe.values.retrain}}", "right": "true", "outcome": "true"}
TOP_TASKS = [
    # The second attempt stands before the first.
    entry(903, "bad", 60, 90, attempt_number=1, **status("RUN_EXECUTION_ERROR", SEE_OUTPUT)),
    entry(901, "good", 1, 20, **status("SUCCESS")),
    entry(902, "bad", 21, 50, **status("RUN_EXECUTION_ERROR", SEE_OUTPUT)),
    entry(904, "wanted", 20, 21, "condition_task", condition_task=CONDITION, **status("SUCCESS")),
    entry(905, "start", 21, 40, "run_job_task", run_job_task={"job_id": 12}, **status("SUCCESS")),
    entry(906, "each", 21, 60, "for_each_task", for_each_task={"inputs": "{{job.parameters.folds}}", "concurrency": 2},
          **status("RUN_EXECUTION_ERROR", "1 iteration failed")),
]  # fmt: skip
ITERATIONS = [
    entry(911, "fold_iteration", 22, 40, **status("SUCCESS")),
    entry(912, "fold_iteration", 22, 60, **status("RUN_EXECUTION_ERROR", SEE_OUTPUT)),
]
TOP = {
    "run_id": 900, "job_id": 11, "run_name": "readmission_train", "creator_user_name": "r3@cdh.example",
    "trigger": "PERIODIC", "run_type": "JOB_RUN", "start_time": T0, "end_time": T0 + 90_000, "run_duration": 90_000,
    "run_page_url": "https://adb-0000.azuredatabricks.example/jobs/11/runs/900", "tasks": TOP_TASKS,
    "job_parameters": [{"name": "folds", "default": "[1, 2]", "value": "[3, 4]"}],
    **status("RUN_EXECUTION_ERROR", "Task bad failed with message: Workload failed, see run output for details."),
}  # fmt: skip
CHILD = {
    "run_id": 950, "job_id": 12, "run_name": "child", "trigger": "RUN_JOB_TASK", "trigger_info": {"run_id": 905},
    "start_time": T0 + 22_000, "end_time": T0 + 39_000, "setup_duration": 10_000, "execution_duration": 7_000,
    "tasks": [entry(951, "inner", 22, 39, **status("SUCCESS"))], **status("SUCCESS"),
}  # fmt: skip
JOBS = [
    {
        "job_id": 11,
        "settings": {"name": "readmission_train", "tags": TAGS, "parameters": [{"name": "folds", "default": "[]"}]},
    },
    {"job_id": 12, "settings": {"name": "child", "tags": TAGS}},
]


@dataclass
class Azure:
    """The answers; `asked`: each request that came, as (method, path, query or body)."""

    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    host: str = ""
    started: int = 0

    def answer(self, method: str, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = path.rpartition("/jobs/")[2]
        found = getattr(self, "_" + name.replace("/", "_").replace("-", "_"), None) if "/jobs/" in path else None
        if found is not None:
            return found(given)
        if path.endswith("/scim/v2/Me"):
            return 200, {"userName": "r3@cdh.example", "id": "1"}
        if path.endswith("/unity-catalog/schemas"):
            return 200, {"schemas": [{"name": "ml", "catalog_name": "cdh_prod"}]}
        if path.endswith("/unity-catalog/models"):
            models = ["cdh_prod.readmission.readmission", "cdh_dev.readmission.readmission", "cdh_prod.ml.closed"]
            return 200, {"registered_models": [{"full_name": one} for one in models]}
        if path.endswith("/unity-catalog/models/cdh_prod.readmission.readmission"):
            aliases = [{"alias_name": "champion", "version_num": 7}] if given.get("include_aliases") == "true" else []
            return 200, {"full_name": "cdh_prod.readmission.readmission", "aliases": aliases}
        if "unity-catalog/models/" in path:
            return 403, {"error_code": "PERMISSION_DENIED", "message": "User does not have EXECUTE on Model."}
        return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"No API found for '{method} {path}'"}

    def _list(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = given.get("name")
        return 200, {"jobs": [one for one in JOBS if name in (None, one["settings"]["name"])], "has_more": False}

    def _get(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, next(one for one in JOBS if one["job_id"] == int(given["job_id"]))

    def _run_now(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"run_id": 960, "number_in_job": 960}

    def _runs_repair(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"repair_id": 78}

    def _runs_list(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if given.get("active_only") == "true":
            return 200, {}
        runs = [one for one in (CHILD, TOP) if given.get("job_id") in (None, str(one["job_id"]))]
        return 200, {"runs": runs, "has_more": False}

    def _runs_get(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        number = int(given["run_id"])
        if number == 960:
            return 200, self._growing()
        if number == 906:
            return 200, {"run_id": 906, "job_run_id": 900, "iterations": ITERATIONS, **status("SUCCESS")}
        for one in (TOP, CHILD):
            if one["run_id"] == number:
                history = [{"type": "ORIGINAL"}, {"type": "REPAIR", "id": 77}] if number == 900 else []
                return 200, one | ({"repair_history": history} if given.get("include_history") else {})
        # As the service says it: the SDK's own table of overrides (databricks/sdk/errors/overrides.py) knows it.
        return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Run {number} does not exist."}

    def _growing(self) -> dict[str, Any]:
        """A run that is waiting, then works, then is done."""
        self.started += 1
        states = [
            (status(state="PENDING"), entry(961, "only", 0, 0, **status(state="PENDING"))),
            (status(state="RUNNING"), entry(961, "only", 1, 0, **status(state="RUNNING"))),
            (status("SUCCESS"), entry(961, "only", 1, 9, **status("SUCCESS"))),
        ]
        run, task = states[min(self.started, 3) - 1]
        end = {"end_time": T0 + 9_000} if self.started >= 3 else {}
        return {
            "run_id": 960,
            "job_id": 11,
            "run_name": "readmission_train",
            "start_time": T0,
            "tasks": [task],
            **end,
            **run,
        }

    def _runs_get_output(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        number = int(given["run_id"])
        if number == 961 and self.started < 3:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "The run is not finished"}
        if number in (902, 903, 912):
            trace = "Traceback (most recent call last):\nValueError: no such fold"
            return 200, {"metadata": {}, "error": "ValueError: no such fold", "error_trace": trace, "logs": "before\n"}
        if number == 905:
            return 200, {"metadata": {}, "run_job_output": {"run_id": 950}}
        return 200, {"metadata": {}, "logs": f"line of {number}\n", "logs_truncated": number == 951}


@contextmanager
def azure() -> Iterator[Azure]:
    """For the time of the `with`, at `host`."""
    told = Azure()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            at = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = json.loads(body) if body else dict(parse_qsl(at.query))
            told.asked.append((self.command, at.path, given))
            code, found = told.answer(self.command, at.path, given)
            data = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _any  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.host = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
