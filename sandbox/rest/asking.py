"""A request as the nouns see it, what they may answer, and the table of endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from sandbox.errors import ServiceError

if TYPE_CHECKING:
    from sandbox.rest.caller import Caller
    from sandbox.rest.resources import Resources
    from sandbox.rest.running import Running
    from sandbox.rest.tokens import Tokens
    from sandbox.workspace import Workspace

Object = dict[str, Any]

# Where the shape of an endpoint's answer comes from.
RECORDED = "what the real provider sent and accepted; replayed by a test"
DOCUMENTED = "the API's documentation; not replayed"

STATUS = {
    "BAD_REQUEST": 400,
    "MALFORMED_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STATE": 400,
    "DIRECTORY_NOT_EMPTY": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "NOT_FOUND": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_ALREADY_EXISTS": 409,
    "RESOURCE_CONFLICT": 409,
    "NOT_IMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


@dataclass
class Ask:
    """One authenticated request. query: the first value of each name."""

    raw: Request
    caller: Caller
    workspace: Workspace
    resources: Resources
    running: Running
    tokens: Tokens
    query: dict[str, str]

    @cached_property
    def body(self) -> Object:
        """The JSON object that was sent, empty when nothing was; MALFORMED_REQUEST for anything else."""
        data = self.raw.get_data()
        try:
            found = json.loads(data) if data.strip() else {}
        except ValueError as error:
            raise ServiceError("MALFORMED_REQUEST", f"Could not parse request object: {error}") from None
        if not isinstance(found, dict):
            raise ServiceError("MALFORMED_REQUEST", "Could not parse request object: expected a JSON object")
        return found

    def text(self, name: str) -> str:
        """A text that must be given, in the body or the query; ``ServiceError`` names it."""
        value = self.body.get(name, self.query.get(name))
        if value is None or isinstance(value, dict | list | bool) or value == "":
            raise invalid(f"Missing required field: {name}" if value in (None, "") else f"{name} must be a text")
        return str(value)

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of the body or the query."""
        value = self.body.get(name, self.query.get(name, default))
        if value is None:
            raise invalid(f"Missing required field: {name}")
        try:
            if isinstance(value, bool | float):
                raise ValueError
            return int(value)
        except (TypeError, ValueError):
            raise invalid(f"{name} must be a whole number, got {value!r}") from None

    def flag(self, name: str) -> bool:
        """A truth value of the body or the query; False when it is not given."""
        return str(self.body.get(name, self.query.get(name, False))).lower() == "true"

    def objects(self, name: str) -> list[Object]:
        """A list of JSON objects in the body; empty when it is not given."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise invalid(f"{name} must be a list of objects")
        return value


Answers = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """An endpoint: ``path`` in werkzeug's notation, ``answer(ask, **parts of the path)``, where its shape is from."""

    method: str
    path: str
    answer: Answers
    source: str


@dataclass
class Routes:
    """The endpoints of one noun."""

    all: list[Route] = field(default_factory=list)

    def add(self, method: str, path: str, answer: Answers, source: str = RECORDED) -> None:
        """Answer ``method path`` with ``answer``."""
        self.all.append(Route(method, path, answer, source))

    def at(self, method: str, path: str, source: str = RECORDED) -> Callable[[Answers], Answers]:
        """``add`` as a decorator."""

        def keep(answer: Answers) -> Answers:
            self.add(method, path, answer, source)
            return answer

        return keep


def invalid(message: str) -> ServiceError:
    """INVALID_PARAMETER_VALUE."""
    return ServiceError("INVALID_PARAMETER_VALUE", message)


def missing(what: str, id_: object) -> ServiceError:
    """RESOURCE_DOES_NOT_EXIST."""
    return ServiceError("RESOURCE_DOES_NOT_EXIST", f"{what} '{id_}' does not exist.")


def denied(message: str) -> ServiceError:
    """PERMISSION_DENIED."""
    return ServiceError("PERMISSION_DENIED", message)


def json_answer(value: Any, status: int = 200) -> Response:
    """JSON as Databricks sends it."""
    return Response(json.dumps(value), status=status, mimetype="application/json")


def refusal(error: ServiceError) -> Response:
    """The error JSON of Databricks."""
    message = str(error)
    if error.code == "UNAUTHENTICATED":
        # As the service says it to a client that sent nothing it understands.
        message = message or "Credential was not sent or was of an unsupported type for this API."
    return json_answer({"error_code": error.code, "message": message}, STATUS.get(error.code, 500))


def page(ask: Ask, key: str, found: list[Any], default: int, most: int) -> Object:
    """One page of a list: ``limit`` or ``max_results`` entries from ``page_token`` (or ``offset``) on."""
    size = ask.number("limit" if "limit" in ask.query else "max_results", default) or default
    if size < 1:
        raise invalid(f"a page has at least one entry, got {size}")
    size = min(size, most)
    start = ask.number("page_token" if ask.query.get("page_token") else "offset", 0)
    shown: Object = {key: found[start : start + size]}
    if start + size < len(found):
        shown["next_page_token"] = str(start + size)
    return shown
