"""A workspace with a tiny wheel of invented tasks, jobs put straight into its store, and no servers."""

from __future__ import annotations

import json
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore
from typing import Any

from sandbox.runner import Event, RunResult, repair_run, run_job
from sandbox.runner.clock import Clock
from sandbox.runner.deployed import job_with_id
from sandbox.runner.execution import Execution
from sandbox.runner.ledger import Ledger
from sandbox.runner.outcomes import Action
from sandbox.runner.schedule import JobRun
from sandbox.runs import Runs, TaskRun
from sandbox.workspace import Workspace

WHEEL = "/Volumes/cdh_test/ml/artifacts/wheels/abc/tiny-0.1.0-py3-none-any.whl"
REQUIREMENTS = "/Volumes/cdh_test/ml/artifacts/requirements/ml_cpu-0.txt"

TASKS = """
import fcntl, json, os, signal, subprocess, sys, threading, time

def _args():
    return dict(one.removeprefix("--").split("=", 1) for one in sys.argv[1:] if "=" in one)

def _until(path):
    while not os.path.exists(path):
        time.sleep(0.01)

def say():
    print("said", json.dumps(_args(), sort_keys=True))

def value():
    with open(os.environ["CDH_TASK_VALUES"], "a") as file:
        for key, one in _args().items():
            file.write(json.dumps({"key": key, "value": one}) + "\\n")

def json_value():
    with open(os.environ["CDH_TASK_VALUES"], "a") as file:
        for key, one in _args().items():
            file.write(json.dumps({"key": key, "value": json.loads(one)}) + "\\n")

def fail():
    print("before the end")
    raise ValueError("the reason is this one")

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

def leave():
    print("a last word", file=sys.stderr)
    os._exit(7)

def linger():
    print("done, but for a thread")
    threading.Thread(target=time.sleep, args=(600,)).start()

def refuse():
    raise SystemExit("not like this")

def hang():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(_args()["started"] + ".half", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(_args()["started"] + ".half", _args()["started"])
    time.sleep(600)

def meet():
    mine, other = _args()["mine"], _args()["other"]
    open(mine, "w").close()
    _until(other)

def greet():
    print("hello")
    _until(_args()["other"])

def flaky():
    count = _args()["count"]
    with open(count, "a") as file:
        file.write("x")
    if os.path.getsize(count) < int(_args()["good_at"]):
        raise ValueError(f"attempt {os.path.getsize(count)} fails")

def picky():
    if _args()["x"] == "bad":
        raise ValueError("bad input")
    print("fine")

def sleep():
    time.sleep(600)

def pause():
    time.sleep(float(_args()["seconds"]))

def argv():
    print(json.dumps(sys.argv[1:]))

def shout():
    line = "x" * 999
    for number in range(int(_args()["lines"])):
        print(f"{number} {line}")
    print("the last line")

def endless():
    sys.stdout.write("x" * 1_000_000)

def effect():
    # Nobody else may be at the same task at the same time; what was done stands in the file.
    args = _args()
    folder, key = args["folder"], args["key"]
    busy = open(os.path.join(folder, key + ".busy"), "w")
    other = False
    try:
        fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        other = True
    with open(os.path.join(folder, key + ".effects"), "a") as file:
        file.write(f"{'twice' if other else 'once'} {args['attempt']}\\n")
    time.sleep(float(args.get("seconds", "0")))
    with open(os.environ["CDH_TASK_VALUES"], "a") as file:
        file.write(json.dumps({"key": "attempt", "value": args["attempt"]}) + "\\n")

def environment():
    print(json.dumps(dict(os.environ)))

def where():
    import tiny
    print(tiny.__file__)
    try:
        import sandbox
    except ModuleNotFoundError:
        print("no sandbox")
"""
ENTRY_POINTS = [
    "say",
    "value",
    "fail",
    "crash",
    "leave",
    "linger",
    "refuse",
    "hang",
    "meet",
    "flaky",
    "environment",
    "picky",
    "sleep",
]
ENTRY_POINTS += ["argv", "shout", "effect", "pause", "endless", "json_value", "greet"]


class NoServers:
    """Stands for the servers where no task uses them."""

    def __init__(self) -> None:
        self.death: str | None = None

    def attach(self) -> None: ...

    def spark_remote(self, user: str) -> str:
        return f"sc://127.0.0.1:1/;user_id={user}"

    def spark_death(self, remote: str) -> str | None:
        return self.death

    def end_session(self, remote: str) -> None:
        pass

    @property
    def mlflow_uri(self) -> str:
        return "http://127.0.0.1:1"


def build_wheel(path: Path, tasks: str = TASKS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny/__init__.py", "from tiny.tasks import where\n")
        wheel.writestr("tiny/tasks.py", tasks)
        wheel.writestr("tiny-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 0.1.0\n")
        points = "\n".join(f"{name} = tiny.tasks:{name}" for name in ENTRY_POINTS)
        wheel.writestr("tiny-0.1.0.dist-info/entry_points.txt", f"[console_scripts]\n{points}\n")


def task(key: str, entry_point: str, after: Any = (), **fields: Any) -> dict[str, Any]:
    """A wheel task as terraform keeps it; ``after``: keys, or (key, outcome)."""
    named = fields.pop("named", {})
    return {
        "task_key": key,
        "depends_on": dependencies(after),
        "job_cluster_key": "ml_cpu",
        "library": [{"whl": WHEEL}, {"requirements": REQUIREMENTS}],
        "python_wheel_task": [{"package_name": "tiny", "entry_point": entry_point, "named_parameters": named}],
        **fields,
    }


def condition(key: str, left: str, op: str, right: str, after: Any = ()) -> dict[str, Any]:
    compared = [{"left": left, "op": op, "right": right}]
    return {"task_key": key, "depends_on": dependencies(after), "condition_task": compared}


def for_each(key: str, inputs: str, nested: dict[str, Any], after: Any = (), **fields: Any) -> dict[str, Any]:
    """A for_each task as terraform keeps it; ``fields``: of its block."""
    block = {"inputs": inputs, "task": [nested], **fields}
    return {"task_key": key, "depends_on": dependencies(after), "for_each_task": [block]}


def dependencies(after: Any) -> list[dict[str, str]]:
    pairs = [one if isinstance(one, tuple) else (one, None) for one in after]
    return [{"task_key": key, **({"outcome": outcome} if outcome else {})} for key, outcome in pairs]


@dataclass
class Bench:
    """A deployed workspace to run jobs in."""

    workspace: Workspace
    folder: Path
    services: Any = field(default_factory=NoServers)
    events: list[Event] = field(default_factory=list)
    id: str = ""

    def deploy(self, name: str, tasks: list[dict[str, Any]], **fields: Any) -> str:
        id_ = str(self.workspace.store.number("databricks_job"))
        cluster = {"spark_env_vars": {"FROM_CLUSTER": "yes"}}
        body = {
            "name": name,
            "run_as": [{"service_principal_name": "11111111-2222"}],
            "job_cluster": [{"job_cluster_key": "ml_cpu", "new_cluster": [cluster]}],
            "task": tasks,
            **fields,
        }
        self.workspace.store.create("databricks_job", id_, body)
        self.id = id_
        may_run = {"service_principal_name": "11111111-2222", "permission_level": "CAN_MANAGE_RUN"}
        self.workspace.store.create("databricks_permissions", f"/jobs/{id_}", {"access_control": [may_run]})
        return id_

    def redeploy(self, tasks: list[dict[str, Any]], **fields: Any) -> None:
        """Change the job that was deployed last."""
        body = self.workspace.store.read("databricks_job", self.id).body
        self.workspace.store.update("databricks_job", self.id, {**body, "task": tasks, **fields})

    def fake(self, act: Action, clock: Clock, slots: int = 4) -> JobRun:
        """A run of the job that was deployed last whose tasks do ``act`` and whose time is ``clock``."""
        job = job_with_id(self.workspace, self.id)
        ledger = Ledger(self.workspace.runs, clock)
        return JobRun(Execution(job, dict(job.parameters), ledger, self.events.append, act, Semaphore(slots), clock))

    def repair(self, run: int, *tasks: str, **parameters: str) -> RunResult:
        return repair_run(self.workspace, self.services, run, tasks, parameters, self.events.append)

    def arguments(self, run: RunResult, key: str) -> dict[str, str]:
        """The named parameters that a `say` task got."""
        return json.loads(self.said(run, key).removeprefix("said "))

    def iterations(self, run: RunResult, key: str) -> list[TaskRun]:
        return self.runs.iterations(self.runs.task(run.run_id, key).task_run_id)

    def began(self, run: RunResult, form: str) -> str:
        return time.strftime(form, time.gmtime(self.runs.run(run.run_id).started))

    def run(self, name: str, **parameters: str) -> RunResult:
        return run_job(self.workspace, self.services, name, parameters, self.events.append)

    def results(self, run: RunResult) -> dict[str, str]:
        return {key: end.result for key, end in run.tasks.items()}

    def said(self, run: RunResult, key: str, attempt: int | None = None) -> str:
        return "\n".join(line.text for line in self.runs.log(run.run_id, key, attempt))

    @property
    def runs(self) -> Runs:
        return Runs(self.workspace)


def begin(ledger: Ledger, **more) -> tuple[int, dict[str, int], str]:
    common = {"job_id": "1", "job_name": "j", "run_as": "a", "parameters": {}, "parent": None, "at_once": 1}
    return ledger.begin(**{**common, "tasks": [("t", "python_wheel_task")], **more})


def deployed(root: Path) -> Workspace:
    workspace = Workspace(root)
    workspace.store.create("databricks_catalog", "cdh_test", {"name": "cdh_test"})
    # What every task here runs as may do all below the catalog: grants have tests of their own.
    everything = {"principal": "11111111-2222", "privileges": ["ALL_PRIVILEGES"]}
    workspace.store.create("databricks_grants", "catalog/cdh_test", {"grant": [everything]})
    level = {"service_principal_name": "11111111-2222", "permission_level": "CAN_MANAGE"}
    workspace.store.create("databricks_directory", "/cdh", {"path": "/cdh", "object_id": 7})
    workspace.store.create("databricks_permissions", "/directories/7", {"access_control": [level]})
    build_wheel(workspace.volume_path(WHEEL))
    requirements = workspace.volume_path(REQUIREMENTS)
    requirements.parent.mkdir(parents=True, exist_ok=True)
    requirements.write_text("")
    return workspace
