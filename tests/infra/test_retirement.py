"""What holds data leaves the configuration only through `workflows/retired/`, and stays; shown with the real terraform."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from infra_documents import ROOT

sys.path.insert(0, str(Path(__file__).parents[1] / "sandbox" / "provider"))
from provider_project import Project

from infra import retirement
from infra.stages import STAGES
from workflows.discover import Catalogue, discover
from workflows.errors import DeclarationError

PROD = STAGES["prod"]
OF_BETA = [
    "databricks_mlflow_experiment.beta", "databricks_mlflow_experiment.beta_validation",
    "databricks_registered_model.beta", "databricks_schema.beta",
]  # fmt: skip


@pytest.fixture(scope="module")
def retired(invented) -> Catalogue:
    """Beta is out of service."""
    models = {"alpha": invented.models["alpha"]}
    return replace(invented, models=models, retired={"beta": invented.models["beta"]})


@pytest.fixture(scope="module")
def before(synthesised, invented) -> dict:
    return synthesised(invented, [PROD])["prod"]


@pytest.fixture(scope="module")
def after(synthesised, retired) -> dict:
    return synthesised(retired, [PROD])["prod"]


def data(document: dict) -> dict:
    """The resources that hold data, and the grants on them."""
    wanted = (
        *retirement.HOLDS, "databricks_service_principal", "databricks_directory", "databricks_grants",
        "databricks_external_location", "databricks_storage_credential", "databricks_workspace_binding",
    )  # fmt: skip
    return {kind: some for kind, some in document["resource"].items() if kind in wanted}


def test_the_committed_list_is_what_holds_data(documents, request):
    found = {
        stage.name.value: retirement.holding(documents[stage.name]) for stage in STAGES.values() if stage.keep_data
    }
    if request.config.getoption("--accept", default=False):
        retired = {one["from"] for stage in found for one in documents[stage].get("removed", ())}
        listed = {
            name: sorted({*some, *({*retirement.listed().get(name, [])} & retired)}) for name, some in found.items()
        }
        retirement.FILE.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    listed = retirement.listed()
    assert listed.keys() == found.keys()
    assert {name: sorted(set(some) - set(listed[name])) for name, some in found.items()} == {name: [] for name in found}, (
        "new: pytest tests/infra --accept"
    )  # fmt: skip


def test_a_declaration_owns_what_appears_with_it(before, synthesised, invented, retired):
    without = synthesised(replace(invented, models=retired.models), [PROD])["prod"]
    gone = sorted({*retirement.holding(before)} - {*retirement.holding(without)})
    assert gone == sorted(retirement.of_declaration(invented.models["beta"], PROD)) == OF_BETA


def test_a_featurization_owns_the_zones_of_its_source(synthesised, invented):
    bare = synthesised(replace(invented, models={}, featurizations={}), [STAGES["dev"]])["dev"]
    whole = synthesised(replace(invented, models={}), [STAGES["dev"]])["dev"]
    gone = sorted({*retirement.holding(whole)} - {*retirement.holding(bare)})
    assert gone == sorted(retirement.of_declaration(invented.featurizations["facts"], STAGES["dev"]))
    assert len(gone) == 3


def test_a_deleted_declaration_that_holds_data_is_refused_until_it_is_retired(before, after, synthesised, retired):
    known = retirement.holding(before)
    deleted = synthesised(replace(retired, retired={}), [PROD])["prod"]
    with pytest.raises(DeclarationError, match=r"prod: address = .*_experiment\.beta.*workflows/retired/") as refused:
        retirement.refuse_lost(deleted, PROD, known)
    assert "infra/holding.json" in str(refused.value)
    retirement.refuse_lost(after, PROD, known)


def test_what_a_retired_declaration_shares_with_one_in_service_is_not_forgotten(invented):
    other = replace(invented.featurizations["facts"], name="facts_of_old")
    assert retirement.forgotten(replace(invented, retired={"facts_of_old": other}), PROD) == ()


@pytest.mark.clause("P4", "R1")
def test_terraform_forgets_what_is_retired_and_the_data_stay(before, after, tmp_path):
    project = Project(tmp_path)
    project.apply(data(before))
    # "remove": from the state only; what would be destroyed is a "delete".
    actions = project.plan(data(after), removed=after["removed"])
    assert {one: action for one, action in actions.items() if one in OF_BETA} == dict.fromkeys(OF_BETA, "remove")
    assert {action for address, action in actions.items() if address not in OF_BETA} <= {"delete"}
    assert all(address.startswith("databricks_grants.") for address in actions if address not in OF_BETA)
    project.apply(data(after), removed=after["removed"])
    assert {item.body["name"] for item in project.workspace.store.list("databricks_schema")} >= {"alpha", "beta"}
    assert project.plan(data(after), removed=after["removed"]) == {}


def test_without_the_removed_blocks_terraform_would_destroy_it(before, after, tmp_path):
    project = Project(tmp_path)
    project.apply(data(before))
    assert set(OF_BETA) <= {address for address, action in project.plan(data(after)).items() if action == "delete"}


def test_the_second_key_destroys_what_is_retired_and_nothing_else(synthesised, retired, before):
    destroyed = synthesised(retired, [PROD], destroyed=["beta"])["prod"]
    assert "removed" not in destroyed
    known = retirement.holding(before)
    retirement.refuse_lost(destroyed, PROD, known, retirement.going(retired, PROD, ["beta"]))
    with pytest.raises(DeclarationError, match=r"CDH_DESTROY: name = 'alpha'.*valid: beta"):
        retirement.forgotten(retired, PROD, ["alpha"])


def test_a_file_moved_to_retired_is_found_there_and_its_name_is_not_free(tmp_path, compute):
    root = tmp_path / "workflows"
    for folder in ("sources", "featurizations", "models", "retired"):
        (root / folder).mkdir(parents=True)
    text = (ROOT / "workflows" / "models" / "readmission.py").read_text()
    (root / "retired" / "readmission.py").write_text(text)
    found = discover(root, clusters=compute)
    assert (list(found.models), list(found.retired)) == ([], ["readmission"])
    (root / "models" / "again.py").write_text(text)
    with pytest.raises(DeclarationError, match="a name of its own"):
        discover(root, clusters=compute)
