"""Break-glass through the workspace's door, with the official client: opens, tells, closes by itself, or refuses."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from rest_bench import resource

from jobs.errors import TaskError
from jobs.io.grants import Grants
from jobs.tasks.unseal import Opening, hold_open
from sandbox.rest.server import Served

R6, R3 = "cdh-ml-mlops-engineers", "cdh-ml-data-science-analysts-uci130"
ZONES = ("cdh_test.uci130", "cdh_test.uci130_ra")
ASKED = {
    "requested_by": "engineer@cdh.example",
    "reason": "the nightly run lost rows",
    "ticket": "INC-1",
    "minutes": "30",
}


@pytest.fixture
def client(served: Served) -> WorkspaceClient:
    workspace = served.door.workspace
    resource(workspace, "schema", ZONES[0], catalog_name="cdh_test", name="uci130", owner="deployer")
    return WorkspaceClient(host=served.host, token=served.tokens.named("deployer").token)


def granted(served: Served) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for one in served.door.workspace.store.list("databricks_grants"):
        for entry in one.body["grant"]:
            found.setdefault(one.id.partition("/")[2], {})[entry["principal"]] = sorted(entry["privileges"])
    return found


@pytest.mark.clause("R6")
def test_engineers_read_the_zones_for_the_time_they_asked_for_and_not_after_it(served: Served, client: WorkspaceClient):
    before, during = granted(served), []

    def sleep(seconds: float) -> None:
        during.append((seconds, granted(served)))

    hold_open(Grants(lambda: client), ZONES, R6, 1800, sleep)
    ((seconds, open_),) = during
    assert seconds == 1800
    for zone in ZONES:
        assert open_[zone][R6] == ["SELECT", "USE_SCHEMA"]
    assert open_["cdh_test.uci130_ra"][R3] == ["SELECT", "USE_SCHEMA"], "what others have stays as it is"
    assert R6 not in open_["cdh_test.ml"]
    assert granted(served) == before


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whatever_ends_the_wait_the_zones_are_sealed_again(served: Served, client: WorkspaceClient, end: Any):
    before = granted(served)

    def sleep(_: float) -> None:
        assert R6 in granted(served)[ZONES[0]]
        raise end

    with pytest.raises(end):
        hold_open(Grants(lambda: client), ZONES, R6, 60, sleep)
    assert granted(served) == before


def test_a_zone_that_cannot_be_opened_leaves_none_open(served: Served, client: WorkspaceClient):
    before = granted(served)
    with pytest.raises(TaskError, match=r"cdh_test.absent could not be sealed; deploy the stage now"):
        hold_open(Grants(lambda: client), (ZONES[1], "cdh_test.absent"), R6, 60, lambda _: pytest.fail("it was open"))
    assert granted(served) == before


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("requested_by", " ", "requested_by is empty"),
        ("ticket", "", "ticket is empty"),
        ("reason", "", "reason = '' is not valid; valid: 10 letters or more"),
        ("reason", "because", "reason = 'because' is not valid"),
        ("minutes", "0", "minutes = '0' is not valid; valid: 1 to 50"),
        ("minutes", "51", "minutes = '51' is not valid"),
        ("minutes", "-5", "minutes = '-5' is not valid"),
        ("minutes", "for ever", "minutes = 'for ever' is not valid"),
    ],
)
def test_without_a_reason_or_beyond_the_limit_nothing_opens(field: str, value: str, says: str):
    assert Opening.of(ASKED.__getitem__).minutes == 30
    with pytest.raises(TaskError, match=says):
        Opening.of((ASKED | {field: value}).__getitem__)
