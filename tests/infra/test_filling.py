"""The inputs are filled from what Azure and Databricks print: all of a file or nothing, and nothing by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infra_documents import PLACEHOLDERS

from infra import inputs
from infra.filling import fill, filled, found
from workflows.errors import DeclarationError

CLIENT = "5c0e9d4a-1111-4b6e-9c11-5f0e2a9b8c7d"
OUTPUTS = {
    "stage": "dev",
    "deploy_application_id": CLIENT,
    "workspace_id": "4100000000001",
    "workspace_url": "adb-0000.azuredatabricks.example",
}
# `databricks account groups list -o json`: SCIM's own names; ids are texts.
GROUPS = [
    {"displayName": "cdh-ml-architects", "id": "7100000000001", "meta": {"resourceType": "Group"}},
    {"displayName": "cdh-ml-feature-analysts-abfm", "id": "7100000000002"},
    {"displayName": "somebody-elses", "id": "7100000000003"},
]
# `databricks account metastores list -o json`.
METASTORES = [
    {"metastore_id": "11111111-2222-4333-8444-555555555555", "name": "eu", "region": "westeurope"},
    {"metastore_id": "21111111-2222-4333-8444-555555555555", "name": "us", "region": "eastus2"},
]
# `az ad sp list`, and `databricks account service-principals list -o json`.
PRINCIPALS = [
    {"displayName": "sp-train-dev", "appId": "6c0e9d4a-1111-4b6e-9c11-5f0e2a9b8c7d", "id": "d0"},
    {"displayName": "sp-serve-prod", "applicationId": "6c0e9d4a-2222-4b6e-9c11-5f0e2a9b8c7d", "id": "99"},
    {"displayName": "sp-fly-dev", "applicationId": "6c0e9d4a-3333-4b6e-9c11-5f0e2a9b8c7d", "id": "98"},
]
OF_DEV = {"stages.dev.workspace_id": 4_100_000_000_001, "stages.dev.service_principals.sp-deploy": CLIENT}


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "inputs.json"
    path.write_text(PLACEHOLDERS.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (OUTPUTS, OF_DEV),
        ({"azure-dev": OUTPUTS}, OF_DEV),
        ({name: {"sensitive": False, "type": "string", "value": value} for name, value in OUTPUTS.items()}, OF_DEV),
        ({"azure-dev": OUTPUTS, "azure-prod": OUTPUTS | {"stage": "prod", "workspace_id": 4100000000003}},
         OF_DEV | {"stages.prod.workspace_id": 4_100_000_000_003, "stages.prod.service_principals.sp-deploy": CLIENT}),
        (GROUPS, {"groups.cdh-ml-architects": 7_100_000_000_001, "groups.cdh-ml-feature-analysts-abfm": 7_100_000_000_002}),
        (METASTORES, {"metastore_id": "21111111-2222-4333-8444-555555555555"}),
        (PRINCIPALS, {"stages.dev.service_principals.sp-train": "6c0e9d4a-1111-4b6e-9c11-5f0e2a9b8c7d",
                      "stages.prod.service_principals.sp-serve": "6c0e9d4a-2222-4b6e-9c11-5f0e2a9b8c7d"}),
    ],
    ids=["outputs", "cdktf's outputs", "terraform's outputs", "two stages", "groups", "metastores", "principals"],
)  # fmt: skip
def test_what_is_printed_becomes_fields(read, expected):
    assert found(read, "printed.json", "eastus2") == expected


def test_the_names_of_the_outputs_are_those_of_the_azure_stack(azure_documents):
    for stage, document in azure_documents.items():
        assert set(document["output"]) == set(OUTPUTS)
        assert document["output"]["stage"]["value"] == stage


def test_several_files_fill_the_inputs_at_once_and_a_second_time_change_nothing(tmp_path, target):
    files = [
        written(tmp_path, f"{n}.json", one)
        for n, one in enumerate(({"azure-dev": OUTPUTS}, GROUPS, METASTORES, PRINCIPALS))
    ]
    changes = fill(files, target)
    assert len(changes) == 2 + 2 + 1 + 2
    assert {one.path: one.after for one in changes}["stages.dev.workspace_id"] == 4_100_000_000_001
    read = inputs.parse(target.read_text())
    assert read.workspace_ids["dev"] == 4_100_000_000_001
    assert read.groups["cdh-ml-feature-analysts-abfm"] == 7_100_000_000_002
    assert list(read.groups) == sorted(read.groups)
    before = target.stat().st_mtime_ns
    assert fill(files, target) == []
    assert target.stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["inputs.json", *(file.name for file in files)])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"azure-dev": OUTPUTS | {"stage": "test"}}, "stage = 'test'.*valid: dev, validation, prod"),
        (
            {"azure-dev": {k: v for k, v in OUTPUTS.items() if k != "workspace_id"}},
            "azure-dev: workspace_id = None.*deploy the stack first",
        ),
        (
            {"azure-dev": OUTPUTS | {"workspace_id": "adb-1"}},
            "azure-dev: workspace_id = 'adb-1'.*the workspace's number",
        ),
        ({"azure-dev": OUTPUTS | {"deploy_application_id": "me"}}, "dev: service_principals.sp-deploy = 'me'.*a UUID"),
        ({"azure-dev": OUTPUTS | {"workspace_id": "3"}}, "prod: workspace_id = 3.*a number of its own; dev has it"),
        ({"other": 1}, "content = 'dict'.*outputs of an Azure stack.*groups list"),
        ([{"colour": "blue"}], "entries = 1.*metastores list"),
        ([], "entries = 0"),
        ([7], "entry = 7"),
        ("{", "file = 'no JSON'"),
        ([GROUPS[0], GROUPS[0] | {"displayName": "cdh-ml-engineers"}], "a number of its own"),
    ],
)
def test_a_file_that_says_something_wrong_changes_nothing_and_is_told_with_the_valid_ones(
    tmp_path, target, content, told
):
    before = target.read_bytes()
    good = written(tmp_path, "good.json", METASTORES)
    with pytest.raises(DeclarationError, match=told):
        fill([good, written(tmp_path, "bad.json", content)], target)
    assert target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"inputs.json", "good.json", "bad.json"}


def test_two_files_that_disagree_are_refused(tmp_path, target):
    one = written(tmp_path, "a.json", OUTPUTS)
    other = written(tmp_path, "b.json", OUTPUTS | {"workspace_id": 4100000000009})
    with pytest.raises(DeclarationError, match="one value; another file says 4100000000001"):
        fill([one, other], target)


def test_a_missing_file_is_told_by_its_name(tmp_path, target):
    with pytest.raises(DeclarationError, match=r"nowhere\.json"):
        fill([tmp_path / "nowhere.json"], target)


@given(st.dictionaries(st.sampled_from(["workspace_id"]), st.integers(1_000, 10**16)), st.integers(1_000, 10**16))
def test_filling_leaves_every_other_field_as_it_was(of_dev, architects):
    text = PLACEHOLDERS.read_text(encoding="utf-8")
    given_now = {f"stages.dev.{name}": value for name, value in of_dev.items()} | {
        "groups.cdh-ml-architects": architects
    }
    after, changes = filled(text, given_now)
    assert {one.path for one in changes} == set(given_now)
    back, _ = filled(after, {one.path: one.before for one in changes})
    assert back == text
