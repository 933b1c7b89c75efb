"""The check in front of MLflow's own application: who asks, and whether that principal may."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from sandbox.grants.mlflow_needs import FREE, UnknownRequestError, needs
from sandbox.grants.policy import DeniedError
from sandbox.grants.published import DEPLOYS
from sandbox.grants.record import Door, tokens
from sandbox.workspace import Workspace

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# The password of the sandbox's own requests: terraform's provider and tests. Against mistakes, not malice.
OWN_PASSWORD = "sandbox"
_LARGEST_BODY = 16 << 20


class MlflowDoor:
    """Lets a request through to ``application`` when its principal has what it needs; answers 401 or 403 otherwise.

    experiment: as of ``sandbox.grants.mlflow_needs``, answered by MLflow's own store.
    """

    def __init__(self, application: Application, workspace: Workspace, experiment: Callable[[str, str], str]) -> None:
        self._application, self._workspace = application, workspace
        self._door = Door(workspace)
        self._experiment = experiment
        self._tokens: dict[str, str] = {}
        self._experiments: dict[tuple[str, str], str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] not in FREE:
            who = self._who(environ.get("HTTP_AUTHORIZATION", ""))
            if who is None:
                message = "Credential was not sent or was of an unsupported type for this API."
                return _refused(environ, start_response, HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", message)
            try:
                if who[0] != DEPLOYS:
                    self._check(*who, environ)
            except DeniedError as error:
                return _refused(environ, start_response, HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", str(error))
            except UnknownRequestError as error:
                told = f"the sandbox does not know what {error} needs, and refuses it"
                return _refused(environ, start_response, HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", told)
        return self._application(environ, start_response)

    def _who(self, authorization: str) -> tuple[str, str] | None:
        """(principal, token), or None for nobody."""
        kind, _, given = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("", "", given)
        except (binascii.Error, UnicodeDecodeError):
            return None
        if kind == "Basic" and password == OWN_PASSWORD:
            return DEPLOYS, ""
        if password not in self._tokens:
            self._tokens = {token: str(line["principal"]) for token, line in tokens(self._workspace).items()}
        principal = self._tokens.get(password)
        return None if principal is None or (kind == "Basic" and name != principal) else (principal, password)

    def _check(self, principal: str, token: str, environ: dict[str, Any]) -> None:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]

        def experiment(kind: str, value: str) -> str:
            if (kind, value) not in self._experiments:
                name = self._experiment(kind, value)
                if not name:
                    return ""
                self._experiments[kind, value] = name
            return self._experiments[kind, value]

        demanded = needs(method, path, _arguments(environ), experiment)
        # What does not exist is answered by MLflow, which says so.
        self._door.demand(principal, token, *(need for need in demanded if need.name))


def _arguments(environ: dict[str, Any]) -> dict[str, Any]:
    """Of the query, and of a JSON body, which the application can then read again; an artifact's body is not read."""
    found: dict[str, Any] = {
        name: values if name == "experiment_ids" else values[0]
        for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if "mlflow-artifacts" not in environ["PATH_INFO"] and 0 < length <= _LARGEST_BODY:
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            told = json.loads(body)
        except ValueError:
            told = {}
        found.update(told if isinstance(told, dict) else {})
    return found


def _refused(
    environ: dict[str, Any], start_response: Callable[..., Any], status: HTTPStatus, code: str, message: str
) -> Iterable[bytes]:
    # A connection that is kept open must not begin its next request with this one's body.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    while length > 0 and (chunk := environ["wsgi.input"].read(min(length, 1 << 20))):
        length -= len(chunk)
    body = json.dumps({"error_code": code, "message": message}).encode()
    start_response(
        f"{status.value} {status.phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]
