"""Calls to the workspace's MLflow server over its REST API (importing mlflow would cost four seconds)."""

from __future__ import annotations

import base64
import fcntl
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sandbox.errors import ServiceError
from sandbox.provider.values import Object
from sandbox.workspace import Workspace

_SECONDS = 120


class Mlflow(Protocol):
    """What the provider needs of an MLflow server."""

    def call(self, method: str, path: str, payload: Object) -> Object:
        """One call below ``/api/2.0/mlflow/``; ``ServiceError`` with MLflow's error code when it refuses."""
        ...

    def close(self) -> None:
        """Let the server go."""
        ...


class MlflowClient:
    """The MLflow of one workspace; reached (and if need be started) at the first call, let go by ``close``."""

    def __init__(self, workspace: Workspace, cache: Path, user: str) -> None:
        self._workspace, self._cache = workspace, cache
        self._user = user
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._uri = ""

    def call(self, method: str, path: str, payload: Object) -> Object:
        """One call below ``/api/2.0/mlflow/``; ``ServiceError`` with MLflow's error code when it refuses."""
        url = f"{self._server()}/api/2.0/mlflow/{path}"
        token = base64.b64encode(f"{self._user}:sandbox".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        data = None
        if method == "GET":
            url += "?" + urllib.parse.urlencode(payload)
        else:
            data = json.dumps(payload).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                answer: Object = json.loads(response.read() or b"{}")
                return answer
        except urllib.error.HTTPError as error:
            raise _refusal(error, path) from None
        except urllib.error.URLError as error:
            raise ServiceError("UNAVAILABLE", f"MLflow does not answer at {self._uri}: {error.reason}") from None

    def close(self) -> None:
        """Let the server go; stops it when this client started it."""
        self._stack.close()

    def _server(self) -> str:
        with self._lock:
            if not self._uri:
                self._uri = self._stack.enter_context(server_of(self._workspace, self._cache)).rstrip("/")
            return self._uri


@contextmanager
def server_of(workspace: Workspace, cache: Path) -> Iterator[str]:
    """Address of the workspace's MLflow server; who comes second waits for the one that the first one starts."""
    from sandbox.services import mlflow_of

    workspace.root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with (workspace.root / "mlflow.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            uri = stack.enter_context(mlflow_of(workspace, cache))
        yield uri


def _refusal(error: urllib.error.HTTPError, path: str) -> ServiceError:
    text = error.read().decode(errors="replace")
    try:
        answer: dict[str, Any] = json.loads(text)
    except ValueError:
        answer = {}
    message = answer.get("message") or f"MLflow answered {error.code} to {path}: {text[:300]}"
    return ServiceError(str(answer.get("error_code") or f"HTTP_{error.code}"), str(message))
