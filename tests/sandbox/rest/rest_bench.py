"""A workspace with its REST door open, and a client that sends what it is told and nothing else."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.rest.server import Served
from sandbox.rest.tokens import Person
from sandbox.workspace import Workspace

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"
RECORDED = ROOT.parent / "shared/data/provider_schema/databricks-1.99.0-rest.json"
R3, R5 = "cdh-ml-data-science-analysts", "cdh-ml-feature-analysts"
PEOPLE = (
    Person("r3@cdh.example", (R3,)),
    Person("r3-uci130@cdh.example", (R3, f"{R3}-uci130")),
    Person("r5@cdh.example", (R5,)),
)
SP_TRAIN = "22222222-0000-0000-0000-000000000001"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["error_code"])


@dataclass
class Client:
    """Plain HTTP with one token; ``last`` is the newest answer."""

    host: str
    token: str
    last: list[Answer] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, query: str = "") -> Answer:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if isinstance(body, dict | list):
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.host.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, f"{path}?{query}" if query else path, raw, headers)
            response = connection.getresponse()
            data = response.read()
            told = {name.lower(): value for name, value in response.getheaders()}
            parsed = json.loads(data) if data and "json" in told.get("content-type", "") else data
            answer = Answer(response.status, told, parsed)
        finally:
            connection.close()
        self.last.append(answer)
        return answer

    def get(self, path: str, query: str = "") -> Any:
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, answer
        return answer.body

    def post(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status in (200, 201), answer
        return answer.body


def client(served: Served, name: str) -> Client:
    """As the principal with this name or label."""
    return Client(served.host, served.tokens.named(name).token)


def resource(workspace: Workspace, type_name: str, id_: str, **body: Any) -> None:
    workspace.store.create(f"databricks_{type_name}", id_, body)


def populated(workspace: Workspace) -> Workspace:
    """A catalog of ``deployer`` with two zones, a volume, sp-train, and grants as the roles have them."""
    resource(workspace, "catalog", "cdh_test", name="cdh_test", owner="deployer")
    for schema in ("ml", "uci130_ra"):
        name = f"cdh_test.{schema}"
        resource(workspace, "schema", name, catalog_name="cdh_test", name=schema, owner="deployer")
        (workspace.warehouse / schema).mkdir(parents=True)
    path = "/Volumes/cdh_test/ml/artifacts"
    resource(
        workspace, "volume", "cdh_test.ml.artifacts", catalog_name="cdh_test", schema_name="ml", name="artifacts",
        volume_type="MANAGED", owner="deployer", volume_path=path,
    )  # fmt: skip
    workspace.volume_path(path).mkdir(parents=True, exist_ok=True)
    resource(workspace, "service_principal", "1", application_id=SP_TRAIN, display_name="sp-train-dev", active=True)
    for kind, name, granted in (
        ("catalog", "cdh_test", {R3: ["USE_CATALOG", "BROWSE"], R5: ["USE_CATALOG"], SP_TRAIN: ["USE_CATALOG"]}),
        ("schema", "cdh_test.ml", {R3: ["USE_SCHEMA", "SELECT"], SP_TRAIN: ["USE_SCHEMA", "SELECT", "MODIFY"]}),
        ("schema", "cdh_test.uci130_ra", {f"{R3}-uci130": ["USE_SCHEMA", "SELECT"], SP_TRAIN: ["USE_SCHEMA"]}),
        ("volume", "cdh_test.ml.artifacts", {R3: ["READ_VOLUME"], SP_TRAIN: ["READ_VOLUME", "WRITE_VOLUME"]}),
    ):
        grant = [{"principal": who, "privileges": what} for who, what in granted.items()]
        resource(workspace, "grants", f"{kind}/{name}", grant=grant)
    return workspace


def write_table(workspace: Workspace, schema: str, name: str) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    rows = pa.table({"person_id": pa.array([1, 2], pa.int64()), "score": pa.array([0.5, 0.25], pa.float64())})
    write_deltalake(workspace.warehouse / schema / name, rows)
