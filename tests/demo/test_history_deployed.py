"""A featurization with a history, as it is deployed: in the runner, by its service principal, under enforced grants."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli.house import House
from cli.stage import Stage
from sandbox.grants.record import checks
from synthetic.generate import generate
from workflows.canonical import canonical, parse
from workflows.declare import Featurization, replace
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.nightly, pytest.mark.clause("O3", "P5")]
SOURCE, RA = "synthetic_omop", "synthetic_omop_ra"


def with_history(stage: Stage) -> None:
    """What the deployed job would read if its declaration said `history=True`."""
    for file in stage.workspace.volumes.rglob("*.json"):
        try:
            declared = parse(file.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(declared, Featurization) and declared.name == SOURCE:
            file.write_text(canonical(replace(declared, history=True)), encoding="utf-8")
            return
    raise AssertionError(f"{SOURCE} is not deployed")


def corrected(folder: Path, file: str) -> tuple[str, str]:
    """Take the first row out of a delivered file and give the second another code; their keys."""
    path = folder / file
    with path.open(newline="", encoding="utf-8") as one:
        gone, changed, *rest = csv.DictReader(one)
    with path.open("w", newline="", encoding="utf-8") as one:
        writer = csv.DictWriter(one, list(changed))
        writer.writeheader()
        writer.writerows([changed | {"condition_source_value": "Z99.2"}, *rest])
    return gone["condition_occurrence_id"], changed["condition_occurrence_id"]


def test_the_deployed_job_follows_a_correction_under_enforced_grants(tmp_path: Path):
    folder, house = tmp_path / "delivery", House(home=tmp_path / "sandbox")
    generate(folder, persons=300, seed=7)
    stage = Stage(house, "dev")

    def facts() -> list[dict[str, Any]]:
        return stage.zone(RA).rows("fact_person")

    try:
        stage.deploy(lambda _: None)
        with_history(stage)
        stage.deliver(synthetic_omop, folder)
        stage.run(f"{SOURCE}_featurize", lambda _: None, person_sample="1.0")
        first = facts()
        assert not [row for row in first if row["known_to"]]
        corrected(folder, "condition_occurrence.csv")
        stage.deliver(synthetic_omop, folder)
        stage.run(f"{SOURCE}_featurize", lambda _: None, person_sample="1.0")
        closed = [row for row in facts() if row["known_to"]]
        assert len(facts()) == len(first) + 1
        assert len(closed) == 2, "one was deleted, one corrected"
        (opened,) = [row for row in facts() if row["concept_code"] == "Z99.2" and row["known_to"] is None
                     and row["fact_id"] in {one["fact_id"] for one in closed}]  # fmt: skip
        assert isinstance(opened["known_from"], datetime)
        (then,) = [row for row in closed if row["fact_id"] == opened["fact_id"]]
        assert opened["known_from"] == then["known_to"]
        asked = [one for one in checks(stage.workspace) if one.task == "fact_person"]
        assert asked
        assert all(one.allowed for one in asked)
        assert {one.principal for one in asked} == {
            row.body["application_id"] for row in stage.workspace.store.list("databricks_service_principal")
            if row.body["display_name"].startswith("sp-featurize")
        }  # fmt: skip
    finally:
        stage.close()
