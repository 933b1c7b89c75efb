"""Where each zone's data lie, which workspace reaches them, and how far back they can be read."""

from __future__ import annotations

import json
import re

import pytest
from infra_documents import ROOT, addresses, of_kind

from infra import inputs
from infra.stages import STAGES, StageName
from infra.zones import kept_days, zones

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
# Class of zone -> days in dev, validation, prod; what docs/first-deployment.md promises.
PROMISED = {
    "curated": (7, 30, 365), "exploratory": (7, 7, 7), "features": (7, 30, 365), "model zone": (7, 30, 365),
    "ml": (30, 365, 1095), "reference": (30, 365, 1095),
}  # fmt: skip


def url_of(document: dict, reference: str) -> str:
    """A storage location with the reference in it followed."""
    location, rest = re.fullmatch(r"\$\{databricks_external_location\.(\w+)\.url\}(.*)", reference).groups()
    return of_kind(document, "databricks_external_location")[location]["url"] + rest


@EVERY
def test_every_container_of_the_lake_has_a_location_and_no_location_lies_elsewhere(documents, azure_documents, stage):
    azure = azure_documents[stage]
    (account,) = of_kind(azure, "azurerm_storage_account").values()
    made = {
        f"abfss://{body['name']}@{account['name']}.dfs.core.windows.net/"
        for body in of_kind(azure, "azurerm_storage_container").values()
    }
    found = [body["url"] for body in of_kind(documents[stage], "databricks_external_location").values()]
    assert set(found) == made
    assert len(found) == len(made)


@EVERY
def test_the_credential_is_the_access_connector_of_the_azure_layer_found_by_its_name(documents, azure_documents, stage):
    (credential,) = of_kind(documents[stage], "databricks_storage_credential").values()
    azure = azure_documents[stage]
    (connector,) = of_kind(azure, "azurerm_databricks_access_connector").values()
    (group,) = of_kind(azure, "azurerm_resource_group").values()
    subscription = azure["provider"]["azurerm"][0]["subscription_id"]
    assert credential["azure_managed_identity"] == {
        "access_connector_id": f"/subscriptions/{subscription}/resourceGroups/{group['name']}"
        f"/providers/Microsoft.Databricks/accessConnectors/{connector['name']}"
    }


@EVERY
def test_a_zone_lies_in_the_container_of_its_class_and_no_two_share_a_place(documents, declared, stage):
    document = documents[stage]
    roots = {
        name: url_of(document, body["storage_root"]) for name, body in of_kind(document, "databricks_schema").items()
    }
    for plan in zones(declared, STAGES[stage]):
        container = "zone-" + plan.kind.value[0].removesuffix(" zone")
        assert roots[plan.name].startswith(f"abfss://{container}@"), plan.name
        assert roots[plan.name].endswith(f"/{plan.name}")
    volumes = [
        url_of(document, body["storage_location"])
        for body in of_kind(document, "databricks_volume").values()
        if "storage_location" in body
    ]
    catalog = url_of(document, of_kind(document, "databricks_catalog")["cdh"]["storage_root"])
    places = [*roots.values(), *volumes, catalog]
    assert len(set(places)) == len(places)
    assert not any(one != other and one.startswith(f"{other.rstrip('/')}/") for one in places for other in places)


@EVERY
def test_what_the_lake_cools_or_deletes_by_age_holds_volumes_and_no_table(documents, azure_documents, stage):
    document = documents[stage]
    (policy,) = of_kind(azure_documents[stage], "azurerm_storage_management_policy").values()
    ageing = {prefix.rstrip("/") for rule in policy["rule"] for prefix in rule["filters"]["prefix_match"]}
    volumes = of_kind(document, "databricks_volume")
    assert {name for name, body in volumes.items() if body["volume_type"] == "EXTERNAL"} == ageing
    for name in ageing:
        assert url_of(document, volumes[name]["storage_location"]).startswith(f"abfss://{name}@")
    assert set(volumes) == {"artifacts", "checkpoints", "exports", "landing"}


def bound(document: dict) -> dict[tuple[str, str], dict[int, str]]:
    """(kind, address of what is bound) -> workspace -> how."""
    found: dict[tuple[str, str], dict[int, str]] = {}
    for body in of_kind(document, "databricks_workspace_binding").values():
        address = re.fullmatch(r"\$\{databricks_(\w+\.\w+)\.name\}", body["securable_name"])[1]
        assert address.split(".")[0] == body["securable_type"]
        found.setdefault((body["securable_type"], address), {})[body["workspace_id"]] = body["binding_type"]
    return found


@EVERY
def test_whatever_the_metastore_shows_to_all_is_isolated_and_its_catalog_bound_to_its_own_workspace(documents, stage):
    # "If the securable's isolation mode was set to ISOLATED using Terraform then the securable will have been
    # automatically bound to the workspace it was created from": docs/resources/workspace_binding.md of the provider.
    document, own = documents[stage], inputs.load().workspace_ids[stage]
    some = {
        address: body["isolation_mode"]
        for address, body in addresses(document).items()
        if address.split(".")[0]
        in ("databricks_catalog", "databricks_external_location", "databricks_storage_credential")
    }
    assert len(some) > 8
    assert set(some.values()) == {"ISOLATED", "ISOLATION_MODE_ISOLATED"}
    found = bound(document)
    assert set(found) == {("catalog", "catalog.cdh")}, "another binding would be destroyed before what it lets us see"
    assert found["catalog", "catalog.cdh"][own] == "BINDING_TYPE_READ_WRITE"


@EVERY
def test_whatever_is_in_the_catalog_is_destroyed_before_the_workspace_is_unbound_from_it(documents, stage):
    # "cannot read schema: Catalog ... is not accessible in current workspace": the provider's issues 3947 and 5300.
    every = addresses(documents[stage])
    text = {address: json.dumps(body) for address, body in every.items()}

    def named(address: str) -> set[str]:
        """What a resource refers to, in its arguments or by depends_on."""
        return {f"databricks_{one}" for one in re.findall(r"databricks_(\w+\.\w+)", text[address])} & set(every)

    def behind(address: str, seen: set[str]) -> set[str]:
        for one in named(address) - seen:
            seen.add(one)
            behind(one, seen)
        return seen

    inside = [
        address for address, body in every.items()
        if address.split(".")[0].removeprefix("databricks_")
        in ("schema", "volume", "registered_model", "quality_monitor", "model_serving", "file")
        or (address.split(".")[0] == "databricks_grants" and {"catalog", "schema", "volume", "model"} & body.keys())
    ]  # fmt: skip
    assert len(inside) > 50
    assert [one for one in inside if "databricks_workspace_binding.catalog_cdh" not in behind(one, set())] == []


def test_no_workspace_sees_another_stages_data_but_prod_reads_the_records_of_validation(documents):
    ids = inputs.load().workspace_ids
    others = [
        (stage, address, workspace, how)
        for stage, document in documents.items()
        for (_, address), workspaces in bound(document).items()
        for workspace, how in workspaces.items()
        if workspace != ids[stage]
    ]
    assert others == [("validation", "catalog.cdh", ids["prod"], "BINDING_TYPE_READ_ONLY")]


def test_of_validation_the_promoter_of_prod_reads_the_records_and_nothing_of_persons(documents):
    promoter = inputs.load().application_ids["prod"]["sp-promote"]
    has = {
        (stage, name): one["privileges"]
        for stage, document in documents.items()
        for name, body in of_kind(document, "databricks_grants").items()
        for one in body["grant"]
        if one["principal"] == promoter
    }
    assert has == {
        ("validation", "catalog_cdh"): ["USE_CATALOG"],
        ("validation", "schema_ml"): ["SELECT", "USE_SCHEMA"],
    }


@pytest.mark.clause("P7")
@EVERY
def test_how_far_back_a_zone_can_be_read_is_promised_said_by_the_schema_and_told_to_each_task(
    documents, declared, stage
):
    place = list(StageName).index(StageName(stage))
    document = documents[stage]
    schemas = of_kind(document, "databricks_schema")
    promised = {plan.name: PROMISED[plan.kind.value[0]][place] for plan in zones(declared, STAGES[stage])}
    assert {name: int(body["properties"]["as_of_days"]) for name, body in schemas.items()} == promised
    tasks = 0
    for name, job in of_kind(document, "databricks_job").items():
        for task in job["task"]:
            if "python_wheel_task" in task:
                tasks += 1
                text = task["python_wheel_task"]["named_parameters"]["as_of_days"]
                told = {zone: int(days) for zone, days in (one.split("=") for one in text.split(","))}
                assert told.items() <= promised.items(), name
                declaration = name.rsplit("_", 1)[0]
                if declaration in declared.references:
                    assert set(told) == {"ml", "reference"}
                    continue
                source = (declared.models.get(declaration) or declared.featurizations[declaration]).source
                assert {"ml", "reference", f"{source}_ra"} <= set(told)
                assert (declaration in told) is (declaration in declared.models or declaration == source)
    assert tasks > 20


def test_the_guide_promises_how_far_back_a_zone_can_be_read():
    guide = (ROOT / "docs" / "first-deployment.md").read_text(encoding="utf-8")
    for kind, days in PROMISED.items():
        assert f"| {kind} | {' | '.join(map(str, days))} |" in guide


@EVERY
def test_no_zone_keeps_deleted_files_for_less_than_a_week(declared, stage):
    # docs.delta.io: "delta.deletedFileRetentionDuration ... default: interval 1 week"; below it a long read may fail.
    assert all(kept_days(plan.kind, STAGES[stage]) >= 7 for plan in zones(declared, STAGES[stage]))
