"""What the Azure layer of every stage promises: addresses, names, tags, references, and what may differ by stage."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from infra_documents import ROOT, addresses, of_kind
from provider_schema import facts

from infra import inputs, names
from infra.azure.lake import containers
from infra.azure.network import plan
from infra.roles import On
from infra.stages import STAGES, StageName
from infra.zones import zones

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
REFERENCE = re.compile(r"\$\{(azurerm_\w+\.\w+)\.")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def strings(value: object):
    """Every string in a JSON value."""
    if isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


@EVERY
def test_an_azure_address_is_readable_and_carries_no_hash(azure_documents, stage):
    for address in addresses(azure_documents[stage]):
        assert re.fullmatch(r"azurerm_[a-z_0-9]+\.[a-z][a-z0-9_]*", address)
        assert not re.search(r"[0-9a-fA-F]{8}", address), address


@EVERY
def test_every_reference_in_an_azure_stack_leads_to_a_resource_of_it(azure_documents, stage):
    document = azure_documents[stage]
    shown = {**addresses(document), "output": document["output"]}
    found = {one for text in strings(shown) for one in REFERENCE.findall(text)}
    assert len(found) > 15
    assert found <= set(addresses(document))
    depended = {one for body in addresses(document).values() for one in body.get("depends_on", [])}
    assert depended <= set(addresses(document))


@EVERY
def test_no_stack_refers_to_another(azure_documents, documents, stage):
    for document in (azure_documents[stage], documents[stage]):
        assert "terraform_remote_state" not in json.dumps(document)
        assert "data" not in document
    assert "azurerm_" not in json.dumps(documents[stage])


@EVERY
def test_the_workspace_layer_finds_the_workspace_of_the_azure_layer_by_its_name(azure_documents, documents, stage):
    azure = azure_documents[stage]
    workspace, group = of_kind(azure, "azurerm_databricks_workspace")["main"], of_kind(azure, "azurerm_resource_group")
    subscription = azure["provider"]["azurerm"][0]["subscription_id"]
    # "/subscriptions/{guid}/resourceGroups/{group}/providers/{namespace}/{type}/{name}": Azure's own form of an id.
    assert documents[stage]["provider"]["databricks"][0]["azure_workspace_resource_id"] == (
        f"/subscriptions/{subscription}/resourceGroups/{group['main']['name']}"
        f"/providers/Microsoft.Databricks/workspaces/{workspace['name']}"
    )
    assert workspace["name"] == STAGES[stage].workspace
    assert workspace["resource_group_name"] == "${azurerm_resource_group.main.name}"


@EVERY
def test_whatever_takes_tags_carries_all_of_them(azure_documents, stage):
    schemas = facts("azurerm-4.55.0")["resource_schemas"]
    tagged = 0
    for address, body in addresses(azure_documents[stage]).items():
        if "tags" not in schemas[address.split(".")[0]]["block"]["attributes"]:
            continue
        tagged += 1
        tags = body["tags"]
        assert set(tags) == {"system", "stage", "zone", "owner", "cost_center", "data_classification"}, address
        assert all(tags.values()), address
        assert (tags["system"], tags["stage"]) == ("cdh-mlops", stage)
        assert tags["data_classification"] in ("public", "internal", "restricted")
    assert tagged > 20
    for name, body in of_kind(azure_documents[stage], "azurerm_storage_container").items():
        assert body["metadata"]["zone"] == name.replace("_", "-")


@EVERY
def test_state_lies_in_an_account_of_its_own_apart_from_what_it_describes(azure_documents, documents, stage):
    azure = azure_documents[stage]
    layers = [document["terraform"]["backend"]["azurerm"] for document in (azure, documents[stage])]
    assert all(layer["use_azuread_auth"] is True for layer in layers)
    assert layers[0]["storage_account_name"] == layers[1]["storage_account_name"]
    assert layers[0]["container_name"] != layers[1]["container_name"], "pipelines write one and only read the other"
    assert not {"access_key", "sas_token", "client_secret"} & {key for layer in layers for key in layer}
    named = {body.get("name") for body in addresses(azure).values()}
    assert not named & {layer[key] for layer in layers for key in ("resource_group_name", "storage_account_name")}


@EVERY
def test_pipelines_write_the_workspace_layers_state_and_only_read_all_else(azure_documents, stage):
    given = of_kind(azure_documents[stage], "azurerm_role_assignment")
    of_pipelines = {
        body["scope"].rsplit("/", 1)[-1]: body["role_definition_name"]
        for body in given.values()
        if body["principal_id"] == "${azurerm_user_assigned_identity.deploy.principal_id}"
    }
    assert of_pipelines == {
        "${azurerm_resource_group.main.id}": "Reader",
        "tfstate": "Storage Blob Data Contributor",
        "tfstate-azure": "Storage Blob Data Reader",
    }


@EVERY
def test_the_pipelines_of_a_stage_are_trusted_for_that_stage_only(azure_documents, stage):
    (credential,) = of_kind(azure_documents[stage], "azurerm_federated_identity_credential").values()
    assert credential["subject"].endswith(f":environment:{stage}")
    others = {one.value for one in StageName} - {stage}
    assert not any(other in credential["subject"] for other in others)


@EVERY
def test_every_class_of_zone_has_its_container(azure_documents, declared, stage):
    kinds = {names.container(zone.kind) for zone in zones(declared, STAGES[stage])}
    made = {body["name"] for body in of_kind(azure_documents[stage], "azurerm_storage_container").values()}
    assert made == kinds | {"landing", "exports", "catalog"}
    assert ("zone-exploratory" in made) is STAGES[stage].exploratory


@EVERY
def test_what_holds_persons_is_restricted(stage):
    # "fact_person, fact_encounter_index, note": features and curated zones hold rows of persons; reference data do not.
    found = containers(STAGES[stage])
    for on in (On.CURATED, On.FEATURES, On.MODEL_ZONE):
        assert found[names.container(on)] == "restricted"
    assert found["landing"] == found["exports"] == "restricted"
    assert found["zone-reference"] == "public"


@EVERY
def test_names_are_as_azure_takes_them(azure_documents, stage):
    """learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, for the longest suffix too."""
    rules = {
        "azurerm_storage_account": r"[a-z0-9]{3,24}", "azurerm_key_vault": r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        "azurerm_storage_container": r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]",
        "azurerm_databricks_workspace": r"[A-Za-z0-9_-]{3,64}", "azurerm_log_analytics_workspace": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        "azurerm_resource_group": r"[A-Za-z0-9_.()-]{1,89}[A-Za-z0-9_()-]", "azurerm_user_assigned_identity": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    }  # fmt: skip
    for kind, rule in rules.items():
        for body in of_kind(azure_documents[stage], kind).values():
            assert re.fullmatch(rule, body["name"]), body["name"]
    for make in (names.storage_account, names.state_account, names.workspace_storage):
        assert re.fullmatch(rules["azurerm_storage_account"], make(STAGES[stage], "x" * 6))
    assert re.fullmatch(rules["azurerm_key_vault"], names.key_vault(STAGES[stage], "x" * 6))
    (group,) = of_kind(azure_documents[stage], "azurerm_monitor_action_group").values()
    assert 1 <= len(group["short_name"]) <= 12


def test_names_that_the_world_shares_differ_by_stage_and_end_in_the_suffix(azure_synthesised):
    given = inputs.load()
    other = replace(given, azure=replace(given.azure, name_suffix="zz9"))
    for document in azure_synthesised(given=other).values():
        for kind in ("azurerm_storage_account", "azurerm_key_vault"):
            for body in of_kind(document, kind).values():
                assert body["name"].endswith("zz9")
        assert document["terraform"]["backend"]["azurerm"]["storage_account_name"].endswith("zz9")


@EVERY
def test_an_azure_stack_states_no_literal_of_anybodys(azure_documents, stage):
    document = azure_documents[stage]
    public, said = ("windows.net", "azuredatabricks.net", "azure.net"), inputs.FILE.read_text(encoding="utf-8")
    for text in strings({key: document[key] for key in ("output", "provider", "resource", "terraform")}):
        for host in re.findall(r"(?<![\w.-])(?:[a-z0-9-]+\.)+(?:com|net|org|gov|io|example)\b", text):
            assert host.endswith(public) or host in said, host
        assert [one for one in re.findall(UUID, text) if one not in said] == [], "of the inputs"
        assert not re.search(r"cdh-ml-(?!operations)", text), "groups are no business of this layer"
    assert str(ROOT) not in json.dumps(document)


def test_only_a_stage_that_keeps_its_data_has_locks(azure_documents):
    found = {name: set(of_kind(document, "azurerm_management_lock")) for name, document in azure_documents.items()}
    assert found == {"dev": set(), "validation": set(), "prod": {"lake", "logs", "vault", "workspace"}}


@pytest.mark.parametrize("network", ["10.0.0.0/16", "10.110.0.0/20", "10.0.0.0/24"])
def test_subnets_are_in_their_network_apart_and_as_large_as_databricks_asks(network):
    # "The subnets for the workspace: a CIDR block up to /26" (Databricks, VNet injection requirements).
    ranges = {name: IPv4Network(one) for name, one in plan(IPv4Network(network)).items()}
    assert all(one.subnet_of(IPv4Network(network)) for one in ranges.values())
    assert ranges["host"].prefixlen == ranges["container"].prefixlen <= 26
    # Azure keeps five addresses of a subnet; seven endpoints need one each.
    assert ranges["endpoints"].num_addresses - 5 >= 7
    values = list(ranges.values())
    assert not any(one.overlaps(other) for i, one in enumerate(values) for other in values[:i])


@EVERY
def test_what_writes_to_the_network_comes_one_after_the_other(azure_documents, stage):
    """azurerm issues 26373 (two endpoints of one workspace at a time fail: ConcurrentUpdateError) and 17649 (endpoints
    beside a workspace in the making: ReferencedResourceNotProvisioned)."""
    found = of_kind(azure_documents[stage], "azurerm_private_endpoint")
    before = {
        name: [one.split(".")[1] for one in body["depends_on"] if one.startswith("azurerm_private_endpoint.")]
        for name, body in found.items()
    }
    order = [name for name, waits in before.items() if not waits]
    assert len(order) == 1
    while following := [name for name, waits in before.items() if waits == order[-1:]]:
        assert len(following) == 1
        order += following
    assert sorted(order) == sorted(found)
    first = found[order[0]]["private_service_connection"]["private_connection_resource_id"]
    assert first == "${azurerm_databricks_workspace.main.id}"
    (workspace,) = of_kind(azure_documents[stage], "azurerm_databricks_workspace").values()
    kinds = ("azurerm_subnet_network_security_group_association", "azurerm_subnet_nat_gateway_association")
    asked = {f"{kind}.{name}" for kind in kinds for name in of_kind(azure_documents[stage], kind)}
    assert asked == set(workspace["depends_on"])


@EVERY
def test_a_budget_starts_on_the_first_of_a_month_and_tells_the_operators(azure_documents, stage):
    # "The start date must be first of the month" (Consumption budgets, TimePeriod).
    (budget,) = of_kind(azure_documents[stage], "azurerm_consumption_budget_resource_group").values()
    assert re.fullmatch(r"20\d\d-\d\d-01T00:00:00Z", budget["time_period"]["start_date"])
    assert budget["amount"] == STAGES[stage].budget > 0
    (operators,) = of_kind(azure_documents[stage], "azurerm_monitor_action_group").values()
    assert [one["email_address"] for one in operators["email_receiver"]] == [inputs.load().alert_address]
    for notification in budget["notification"]:
        assert notification["contact_groups"] == ["${azurerm_monitor_action_group.operators.id}"]
        assert notification["enabled"] is True


def test_the_guide_to_the_first_deployment_names_every_input_resource_provider_and_state_name(azure_documents):
    guide = (ROOT / "docs" / "first-deployment.md").read_text(encoding="utf-8")
    read = json.loads(inputs.FILE.read_text(encoding="utf-8"))
    fields = {name for name in read if name not in ("azure", "stages")}
    fields |= {f"azure.{name}" for name in read["azure"]} | {f"stages.<stage>.{name}" for name in read["stages"]["dev"]}
    assert {field for field in fields if f"`{field}`" not in guide} == set()
    backend = azure_documents["dev"]["terraform"]["backend"]["azurerm"]
    assert f"--name {backend['resource_group_name']} " in guide
    assert f"--name {backend['container_name']}\n" in guide
    assert f"--name {backend['storage_account_name'].removesuffix(read['azure']['name_suffix'])}<suffix> " in guide
    document = azure_documents["dev"]
    assert set(document["output"]) == {"deploy_application_id", "stage", "workspace_id", "workspace_url"}
    assert of_kind(document, "azurerm_user_assigned_identity")["deploy"]["name"] in guide
    assert of_kind(document, "azurerm_virtual_network")["main"]["name"] in guide
