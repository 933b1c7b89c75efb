"""The MLflow server of a workspace: MLflow's own application on sqlite and a folder of artifacts, in one process.

    python -m sandbox.mlflow_server FOLDER TEMPLATES

In front of it stands the check of grants (`sandbox.grants.mlflow_door`); FOLDER lies in its workspace's folder.

`mlflow server` starts a supervisor, workers, a job runner and further applications (gateway, assistant, traces), and
migrates a new database for seconds. None of that is needed here: this serves MLflow's Flask application, and a new
database starts as a copy of an empty one that this version of MLflow made before (TEMPLATES).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sandbox.grants.mlflow_door import MlflowDoor
from sandbox.process import environment
from sandbox.server import Server
from sandbox.workspace import HEADER, Workspace

_ARTIFACTS = "mlflow-artifacts:/"


def start(folder: Path, cache: Path) -> Server:
    """A server that keeps runs and models in ``folder``; its log is beside them."""
    command = [sys.executable, "-m", "sandbox.mlflow_server", str(folder), str(cache / "mlflow")]
    env = environment(
        PYTHONPATH=str(Path(__file__).parent.parent),
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        MLFLOW_LOGGING_LEVEL="WARNING",
        # The names that `mlflow server` itself gives its workers (mlflow/server/constants.py).
        _MLFLOW_SERVER_FILE_STORE=_database(folder),
        _MLFLOW_SERVER_REGISTRY_STORE=_database(folder),
        _MLFLOW_SERVER_ARTIFACT_ROOT=_ARTIFACTS,
        _MLFLOW_SERVER_ARTIFACT_DESTINATION=str(folder / "artifacts"),
        _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
    )
    return Server("the MLflow server", command, env=env, log=folder / "server.log", patience=120)


def identity(folder: Path) -> str:
    """What every answer of this workspace's server carries in ``HEADER``."""
    return str(folder.resolve())


def _database(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def serve(folder: Path, templates: Path) -> None:
    """Serve until killed; says on standard error where it listens."""
    template = templates / f"mlflow-{version('mlflow')}.db"
    folder.mkdir(parents=True, exist_ok=True)
    new = not (folder / "mlflow.db").exists()
    if new and template.exists():
        _copy(template, folder / "mlflow.db")

    from mlflow.server import app
    from mlflow.server.handlers import initialize_backend_stores
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        """Keeps connections open between requests and logs no request."""

        protocol_version = "HTTP/1.1"
        # Answers are small and wait for nothing: without this each costs 40 ms.
        disable_nagle_algorithm = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    door = MlflowDoor(app, Workspace(folder.parent), _experiments(folder))
    server = make_server("127.0.0.1", 0, _named(door, identity(folder)), threaded=True, request_handler=Quiet)
    initialize_backend_stores(_database(folder), _database(folder), _ARTIFACTS)
    if new and not template.exists():
        templates.mkdir(parents=True, exist_ok=True)
        _copy(folder / "mlflow.db", template)
    print(f"listening on 127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()


def _experiments(folder: Path) -> Callable[[str, str], str]:
    """Looks the name of the experiment up that a run or a logged model is in; "" when there is none."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=_database(folder))

    def name(kind: str, value: str) -> str:
        try:
            if kind == "name":
                return value if client.get_experiment_by_name(value) else ""
            if kind == "run":
                value = client.get_run(value).info.experiment_id
            elif kind == "model":
                value = client.get_logged_model(value).experiment_id
            return str(client.get_experiment(value).name)
        except MlflowException:
            return ""

    return name


def _named(app: Callable[..., Iterable[bytes]], name: str) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, name)], *rest)

        return app(environ, start)

    return answer


def _copy(source: Path, target: Path) -> None:
    """Copy a database whole or not at all; sqlite's own backup also reads what is still in its write-ahead log."""
    import sqlite3
    from contextlib import closing

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        half = Path(folder) / "half.db"
        with closing(sqlite3.connect(source)) as full, closing(sqlite3.connect(half)) as copy:
            full.backup(copy)
        shutil.move(half, target)


if __name__ == "__main__":
    os.umask(0o077)
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
