"""The application: who asks, which endpoint, what it answers; errors as Databricks' own JSON."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.errors import SandboxError, ServiceError
from sandbox.provider.mlflow_rest import MlflowClient
from sandbox.rest import (
    compute,
    files,
    grants,
    jobs,
    mlflow,
    objects,
    people,
    permissions,
    runs,
    secret_scopes,
    services,
    system_schemas,
    tables,
    unity,
)
from sandbox.rest.announced import METADATA, identity
from sandbox.rest.asking import Ask, Object, Route, json_answer, refusal
from sandbox.rest.caller import Caller
from sandbox.rest.resources import Mlflow, Resources, schemas
from sandbox.rest.running import Running
from sandbox.rest.tokens import Tokens
from sandbox.runner.run import TaskServices
from sandbox.workspace import HEADER, Workspace

_NOUNS = (
    system_schemas,
    unity,
    grants,
    tables,
    files,
    objects,
    people,
    permissions,
    compute,
    secret_scopes,
    services,
    jobs,
    runs,
    mlflow,
)
ROUTES: tuple[Route, ...] = tuple(route for noun in _NOUNS for route in noun.ROUTES.all)


# Not proved here: that the real provider itself works on the REST door of the sandbox. Why: it cannot be had here; each
# request that it was recorded sending is replayed, and its answer has the recorded fields and values. On Azure: not
# needed; with network access, point `host` and `token` of the provider at `mlops serve dev` and apply, plan, destroy.
class Door:
    """A WSGI application over one workspace."""

    def __init__(self, workspace: Workspace, cache: Path, services: TaskServices) -> None:
        self.workspace, self.tokens = workspace, Tokens(workspace)
        self.running = Running(workspace, services)
        self._cache = cache
        self._schemas = schemas(cache)
        self._map = Map(
            [Rule(route.path, methods=[route.method], endpoint=route) for route in ROUTES],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._answered(request)
        except ServiceError as error:
            response = refusal(error)
        except SandboxError as error:
            response = refusal(ServiceError("INTERNAL_ERROR", str(error)))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            message = f"The sandbox failed at {request.method} {request.path}: {type(error).__name__}: {error}"
            response = refusal(ServiceError("INTERNAL_ERROR", message))
        # What was not read would be taken for the next request of the connection.
        request.close()
        return response(environ, start_response)

    def _answered(self, request: Request) -> Response:
        if request.path == METADATA:
            host = request.host_url.rstrip("/")
            answer = json_answer({"oidc_endpoint": f"{host}/oidc", "workspace_id": str(unity.WORKSPACE_ID)})
            answer.headers[HEADER] = identity(self.workspace)
            return answer
        principal = self.tokens.principal(request.headers.get("Authorization", ""))
        route, parts = self._route(request)
        ask = Ask(
            raw=request,
            caller=Caller(principal, self.workspace.store, self.tokens.memberships()),
            workspace=self.workspace,
            resources=Resources(self.workspace, principal.name, self._mlflow(principal.name), self._schemas),
            running=self.running,
            tokens=self.tokens,
            query=request.args.to_dict(),
        )
        found = route.answer(ask, **parts)
        return found if isinstance(found, Response) else json_answer(found)

    def _route(self, request: Request) -> tuple[Route, dict[str, Any]]:
        try:
            route, parts = self._map.bind_to_environ(request.environ).match()
            return route, dict(parts)
        except HTTPException:
            message = f"The sandbox does not have {request.method} {request.path}; the endpoints it has are in "
            raise ServiceError("ENDPOINT_NOT_FOUND", message + "docs/sandbox.md, section 'Two doors'.") from None

    def _mlflow(self, user: str) -> Mlflow:
        def call(method: str, path: str, payload: Object) -> Object:
            # Started at the first call and recorded, so the client finds this server and starts none.
            _ = self.running.services.mlflow_uri
            client = MlflowClient(self.workspace, self._cache, user)
            try:
                return client.call(method, path, payload)
            finally:
                client.close()

        return call
