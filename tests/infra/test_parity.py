"""The three stages are one synth: what differs follows from the row in `infra/stages.py`, the inputs, or the roles.

Each other stage is given prod's row and inputs under its own name, workspace and catalog; then only the names may differ.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, replace

import pytest

from infra import inputs, names
from infra.stages import STAGES, Stage, StageName

PROD = STAGES["prod"]
OTHERS = pytest.mark.parametrize("name", ["dev", "validation"])
# What a row is called; all its other fields are taken from prod's.
NAMED = ("name", "workspace", "catalog")
# Who may do what differs by stage in the table of roles, which tests/infra/test_access.py holds cell by cell; and what
# terraform says of placeholders follows from the inputs. Nothing else is allowed to differ.
ALLOWED = (
    ("resource", "databricks_grants", None, "grant"),
    ("resource", "databricks_permissions", None, "access_control"),
    ("variable", "sandbox", "validation"),
    # A row's word for another stage's catalog, which in one of the disguised stages is its own name.
    ("resource", "databricks_job", None, "task", None, "python_wheel_task", "named_parameters", "validated_in"),
)


def leaves(value, path=()):
    """(path, value) of everything in a document that is no object or list with something in it; not cdktf's notes."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            if key != "//":
                yield from leaves(one, (*path, key))
    elif isinstance(value, list) and value:
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))
    else:
        yield path, value


def allowed(path):
    return any(
        len(path) >= len(one) and all(want in (None, have) for want, have in zip(one, path, strict=False))
        for one in ALLOWED
    )


def differences(document, prod, name):
    """The paths at which a stage in prod's row is not prod under another name."""
    ours, theirs = dict(leaves(document)), dict(leaves(prod))
    return sorted(
        ".".join(map(str, path))
        for path in ours.keys() | theirs.keys()
        if not allowed(path)
        and (path not in ours or path not in theirs or renamed(ours[path], name) != renamed(theirs[path], "prod", name))
    )


def renamed(value, name, also=None):
    """A text with the stage's name as a placeholder; `also`: prod's texts speak of validation as any stage's do."""
    if not isinstance(value, str):
        return value
    text = value.replace(name, "<stage>")
    return re.sub("(?<!cdh[-_])validation", "<stage>", text) if also == "validation" else text


def disguised(name):
    row = STAGES[name]
    return replace(PROD, **{field: getattr(row, field) for field in NAMED})


@pytest.fixture(scope="module")
def given():
    """The inputs, the same for every stage."""
    read = inputs.load()
    by_stage = ("application_ids", "networks", "workspace_ids")
    same = {field: dict.fromkeys(StageName, getattr(read, field)[PROD.name]) for field in by_stage}
    same["live"] = {name: {} for name in StageName}
    return replace(read, ci_subjects=dict.fromkeys(StageName, "repo:example/cdh-mlops:environment:one"), **same)


@pytest.fixture(scope="module")
def rows():
    return [disguised("dev"), disguised("validation"), PROD]


@pytest.fixture(scope="module")
def stages(synthesised, invented, given, rows):
    return synthesised(invented, rows, given)


@pytest.fixture(scope="module")
def azure(azure_synthesised, given, rows):
    return azure_synthesised(rows, given)


@OTHERS
def test_a_stage_differs_from_prod_only_by_its_row_its_inputs_and_the_roles(stages, name):
    assert sum(1 for _ in leaves(stages["prod"])) > 2000
    assert differences(stages[name], stages["prod"], name) == []


@OTHERS
def test_an_azure_stack_differs_from_prods_only_by_its_row_and_its_inputs(azure, name):
    assert sum(1 for _ in leaves(azure["prod"])) > 500
    assert differences(azure[name], azure["prod"], name) == []


@OTHERS
def test_the_stages_as_they_are_do_differ(documents, azure_documents, name):
    """Or the tests above would compare what is equal anyway."""
    assert differences(documents[name], documents["prod"], name)
    assert differences(azure_documents[name], azure_documents["prod"], name)
    assert {field.name for field in fields(Stage)} > set(NAMED)


def first(document, kind):
    return next(iter(document["resource"][kind].values()))


# What somebody does to one stage only -> where it shows.
INJECTED = [
    (lambda d: first(d, "databricks_job").update(timeout_seconds=1), ".timeout_seconds"),
    (lambda d: first(d, "databricks_job").pop("queue"), ".queue"),
    (lambda d: d["resource"]["databricks_schema"].update(extra={"name": "extra"}), "databricks_schema.extra.name"),
    (lambda d: d["resource"].pop("databricks_secret_scope"), "databricks_secret_scope.cdh."),
    (lambda d: first(d, "databricks_permissions").update(job_id="1"), ".job_id"),
    (lambda d: first(d, "databricks_external_location").update(name="cdh-prod-other"), ".name"),
    (lambda d: d["terraform"]["backend"]["azurerm"].update(use_azuread_auth=False), "backend.azurerm.use_azuread_auth"),
]


@OTHERS
@pytest.mark.parametrize(("change", "where"), INJECTED)
def test_a_difference_in_one_stage_is_found_where_it_is(stages, name, change, where):
    document = copy.deepcopy(stages[name])
    change(document)
    found = differences(document, stages["prod"], name)
    assert found
    assert all(where in path for path in found)


@pytest.mark.parametrize(("ours", "other"), [("dev", "prod"), ("dev", "validation"), ("validation", "prod")])
def test_a_stage_that_names_anothers_catalog_is_found(stages, ours, other):
    text = json.dumps(stages[ours]).replace(f"cdh_{ours}", f"cdh_{other}")
    assert any(
        path.endswith(".named_parameters.catalog") for path in differences(json.loads(text), stages["prod"], ours)
    )


def test_code_that_asks_which_stage_it_is_in_is_found(
    synthesised, azure_synthesised, invented, given, rows, monkeypatch
):
    """`if stage is prod` somewhere in `infra`, here in the tags of both layers."""
    tags, azure_tags = names.tags, names.azure_tags

    def asked(stage):
        return {"important": "yes"} if stage.name == "prod" else {}

    monkeypatch.setattr(names, "tags", lambda stage, declared, **more: tags(stage, declared, **more, **asked(stage)))
    monkeypatch.setattr(names, "azure_tags", lambda stage, **given: azure_tags(stage, **given) | asked(stage))
    for made in (synthesised(invented, rows[1:], given), azure_synthesised(rows[1:], given)):
        found = differences(made["validation"], made["prod"], "validation")
        assert found
        # A container of the lake has its tags as metadata.
        assert [path for path in found if "tags" not in path and not path.endswith(".metadata.important")] == []
