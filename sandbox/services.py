"""The servers of a workspace: Spark Connect and MLflow, each started once, on demand, and again when it died."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sandbox import mlflow_server
from sandbox.grants.published import ATTACHES, Published, folder
from sandbox.left_overs import drop_first_writes
from sandbox.server import Server
from sandbox.whole import whole
from sandbox.workspace import HEADER, Workspace

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

OWNER = ATTACHES
# How soon a grant that another process changed holds in a running task.
_FOLLOW_SECONDS = 0.5


class Services:
    """Servers of one workspace for the time of a `with`; safe to use from several threads.

    cache: the repository's `.cache`, for jars, the class archive and MLflow's empty database.
    """

    def __init__(self, workspace: Workspace, cache: Path) -> None:
        self.workspace, self.cache = workspace, Path(cache).resolve()
        self._lock = threading.Lock()
        self._spark: _Spark | None = None
        self._mlflow: Server | None = None
        self._closed = threading.Event()
        self._grants = Published(workspace)
        # Every server that was ready, by its URL: a task may ask about one that another has followed.
        self._sparks: dict[str, _Spark] = {}

    def __enter__(self) -> Services:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._closed.set()
            if self._spark:
                self._spark.stop()
            if self._mlflow:
                self._mlflow.stop()
                _forget(self.workspace, self._mlflow)

    def start_spark(self) -> None:
        """Start the Spark server if none runs; does not wait for it."""
        self._running_spark()

    def start_mlflow(self) -> None:
        """Start the MLflow server if none runs; does not wait for it."""
        self._running_mlflow()

    def spark_remote(self, user: str) -> str:
        """SPARK_REMOTE for ``user``, once the server knows the zones; ``ServerError`` when it cannot start."""
        spark = self._running_spark()
        url = spark.ready()
        self._grants.refresh()
        self._sparks[url] = spark
        return f"{url}/;user_id={user}"

    def spark_death(self, remote: str) -> str | None:
        """Why the server behind ``remote`` (of ``spark_remote``) is gone, or None while it runs."""
        return self._sparks[remote.partition("/;")[0]].server.death()

    def end_session(self, remote: str) -> None:
        """End a session on a running server with its queries: ``remote`` (of ``spark_remote``) with its session_id."""
        if self.spark_death(remote) is None:
            from sandbox.spark.session import release

            release(remote)

    @property
    def mlflow_uri(self) -> str:
        """Address of the MLflow server, once it is ready; ``ServerError`` when it cannot start."""
        server = self._running_mlflow()
        uri = f"http://{server.address()}"
        _record(self.workspace, server, uri)
        return uri

    def attach(self) -> None:
        """Let the Spark server know zones and tables that others made since; costs nothing where none runs."""
        spark = self._spark
        if spark is not None and spark.server.death() is None:
            spark.ready()
            spark.attach()

    @contextmanager
    def session(self, user: str = OWNER) -> Iterator[SparkSession]:
        """A Spark session of this process, as ``user``."""
        from sandbox.spark.session import session

        remote = self.spark_remote(user)
        self.attach()
        with session(remote) as spark:
            yield spark

    def _running_spark(self) -> _Spark:
        with self._lock:
            self._check_open()
            if self._spark is None or self._spark.server.death() is not None:
                if self._spark:
                    self._spark.stop()
                else:
                    threading.Thread(target=self._follow_grants, name="grants", daemon=True).start()
                self._grants.refresh()
                self._spark = _Spark(self.workspace, self.cache)
            return self._spark

    def _follow_grants(self) -> None:
        while not self._closed.wait(_FOLLOW_SECONDS):
            # A store that is being made or removed is looked at again.
            with suppress(OSError, sqlite3.Error):
                self._grants.refresh()

    def _running_mlflow(self) -> Server:
        with self._lock:
            self._check_open()
            if self._mlflow is None or self._mlflow.death() is not None:
                self._mlflow = mlflow_server.start(self.workspace.mlflow, self.cache)
            return self._mlflow

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise RuntimeError(f"the services of workspace {self.workspace.name} are closed")


class _Spark:
    """One Spark server: started at once, made ready by a thread of its own."""

    def __init__(self, workspace: Workspace, cache: Path) -> None:
        from sandbox.spark import server
        from sandbox.spark.archive import archive_options
        from sandbox.spark.catalog import Catalog

        # A folder for each server: an old one's scratch files may still be in use while it ends.
        self._workspace, self._folder = workspace, workspace.root / "spark" / f"{os.getpid()}-{id(self):x}"
        options = archive_options(cache)
        self.server = server.start(cache, self._folder, workspace.warehouse, options, folder(workspace))
        self._catalog = Catalog(workspace.warehouse)
        self._attaching = threading.Lock()
        self._session: SparkSession | None = None
        self._ready: Future[str] = Future()
        threading.Thread(target=self._make_ready, name="spark-start", daemon=True).start()

    def url(self) -> str:
        """``sc://127.0.0.1:PORT``."""
        return f"sc://{self.server.address()}"

    def ready(self) -> str:
        """The URL, once the zones are attached."""
        return self._ready.result()

    def attach(self) -> None:
        """Bring the server's catalog up to date."""
        if self._session is None:
            from sandbox.spark.session import connect

            self._session = connect(f"{self.url()}/;user_id={OWNER}")
        with self._attaching:
            self._catalog.attach(self._session)

    def stop(self) -> None:
        """End the server and remove its scratch files; the log of one that died stays."""
        died = self.server.death() is not None
        # First what talks to it: a call that nobody answers any more would hold up the sessions of other servers.
        if self._session is not None:
            self._session.client.close()
        self.server.stop()
        shutil.rmtree(self._folder / "scratch" if died else self._folder, ignore_errors=True)

    def _make_ready(self) -> None:
        try:
            url = self.url()
            drop_first_writes(self._workspace, self._folder)
            self.attach()
            self._ready.set_result(url)
        except BaseException as error:
            from sandbox.server import ServerError

            # A dead server shows as a broken connection here; its own last words say more.
            death = self.server.death()
            self._ready.set_exception(ServerError(death) if death else error)


@contextmanager
def mlflow_of(workspace: Workspace, cache: Path) -> Iterator[str]:
    """Address of the workspace's MLflow server: the one that runs, else one for the time of the `with`."""
    uri = _live(workspace)
    if uri:
        yield uri
        return
    with Services(workspace, cache) as services:
        yield services.mlflow_uri


def _live(workspace: Workspace) -> str | None:
    uri = str(_recorded(workspace).get("mlflow", {}).get("uri", ""))
    if not uri.startswith("http://127.0.0.1:"):
        return None
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
            ours = answer.headers.get(HEADER) == mlflow_server.identity(workspace.mlflow)
            return uri if ours else None
    except (urllib.error.URLError, OSError):
        return None


def _record(workspace: Workspace, server: Server, uri: str) -> None:
    """Let other processes find the server (`services.json`)."""
    if server.recorded != uri:
        path = workspace.root / "services.json"
        with whole(path) as half:
            half.write_text(json.dumps({"mlflow": {"uri": uri, "pid": os.getpid()}}))
        server.recorded = uri


def _forget(workspace: Workspace, server: Server) -> None:
    if server.recorded and _recorded(workspace).get("mlflow", {}).get("uri") == server.recorded:
        (workspace.root / "services.json").unlink(missing_ok=True)


def _recorded(workspace: Workspace) -> dict[str, Any]:
    try:
        found = json.loads((workspace.root / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
