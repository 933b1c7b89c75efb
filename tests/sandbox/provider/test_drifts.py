"""Changes behind terraform: the next plan shows those that the real provider's plan showed, and misses those it missed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from oracle_drifts import DEPLOYED, DRIFTS
from provider_project import FACTS, ROOT
from terraform_core import Core

from sandbox.store import Store


def recorded() -> list[dict[str, Any]]:
    file = FACTS / "databricks-1.99.0-drift.json"
    return json.loads(file.read_text())["drifts"] if file.is_file() else []


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Core:
    core = Core(tmp_path_factory.mktemp("drift"), ROOT / ".cache")
    core.apply(DEPLOYED)
    assert core.plan(DEPLOYED) == []
    return core


def restore(store: Store, before: dict[tuple[str, str], dict[str, Any]]) -> None:
    for item in store.list():
        store.delete(item.type, item.id)
    for (type_name, id_), body in before.items():
        store.create(type_name, id_, body)


def test_every_recorded_drift_can_be_made(facts):
    assert [case["drift"] for case in recorded()] == list(DRIFTS)
    assert len(DRIFTS) == 61


@pytest.mark.parametrize("case", recorded(), ids=lambda case: case["drift"])
def test_a_drift_is_seen_as_the_real_provider_sees_it(case, deployed: Core):
    store = deployed.workspace.store
    before = {(item.type, item.id): item.body for item in store.list()}
    try:
        DRIFTS[case["drift"]](store)
        after = {(item.type, item.id): item.body for item in store.list()}
        assert after != before, "nothing was changed"
        changes = [
            {"address": change.address, "actions": list(change.actions), "attributes": list(change.attributes)}
            for change in deployed.plan(DEPLOYED)
        ]
    finally:
        restore(store, before)
    assert changes == case.get("plan", [])
    assert bool(changes) == case["seen"]


def test_the_documentation_lists_exactly_what_is_missed(facts):
    section = (ROOT / "docs" / "sandbox.md").read_text().split("### What terraform does not see")[1].split("\n#")[0]
    listed = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]
    missed = [case["drift"] for case in recorded() if not case["seen"]]
    assert sorted(listed) == sorted(missed)
    assert len(missed) == 9
