"""The stand-in for azurerm: schemas, behaviour, and a platform that the real terraform applies and removes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure_platform import PLATFORM, SUBSCRIPTION, TENANT
from provider_project import ROOT, Project
from test_behaviour import refers
from test_schemas import without_descriptions

from sandbox.errors import TerraformError
from sandbox.left_overs import forget_left_overs
from sandbox.provider import derive
from sandbox.provider.registry import PROVIDERS

AZURE = PROVIDERS["azurerm"]
PREFIX = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-cdh-dev/providers"


@pytest.fixture(scope="module")
def derived() -> dict[str, Any]:
    return derive.schemas(ROOT / ".cache" / "provider", AZURE.binding)


@pytest.fixture
def real(facts) -> dict[str, Any]:
    return json.loads((facts / "azurerm-4.55.0.json").read_text())


def test_every_recorded_type_is_modelled_and_declared_here(real, facts):
    behaviour = json.loads((facts / "azurerm-4.55.0-behaviour.json").read_text())["resources"]
    assert AZURE.kinds.keys() == AZURE.behaviours.keys() == real["resource_schemas"].keys() == behaviour.keys()
    assert PLATFORM.keys() == AZURE.kinds.keys()


@pytest.mark.parametrize("type_name", AZURE.kinds)
def test_a_schema_is_the_real_providers(type_name, derived, real):
    ours, theirs = derived["resources"][type_name], real["resource_schemas"][type_name]
    assert ours["version"] == theirs["version"]
    assert without_descriptions(ours["block"]) == without_descriptions(theirs["block"])


def test_the_providers_own_configuration_is_derived(derived, real):
    assert without_descriptions(derived["provider"]["block"]) == without_descriptions(real["provider"]["block"])


@pytest.mark.parametrize("type_name", AZURE.behaviours)
def test_the_table_agrees_with_the_real_provider(type_name, facts):
    theirs = json.loads((facts / "azurerm-4.55.0-behaviour.json").read_text())["resources"][type_name]["attributes"]
    ours = AZURE.behaviours[type_name]

    def having(fact: str) -> dict[str, Any]:
        return {path: attribute[fact] for path, attribute in theirs.items() if fact in attribute}

    assert ours.force_new == having("force_new").keys()
    assert ours.defaults == having("default")
    assert ours.hidden.keys() == having("suppresses_differences").keys()
    assert ours.lowered == having("stored_changed").keys()
    assert ours.conflicts == {path: refers(others) for path, others in having("conflicts_with").items()}
    assert set(ours.exactly_one) == {refers(group) for group in having("exactly_one_of").values()}
    assert set(ours.at_least_one) == {refers(group) for group in having("at_least_one_of").values()}
    assert ours.required_with == {path: refers(others) for path, others in having("required_with").items()}
    assert set(AZURE.binding.sensitive.get(type_name, ())) == having("sensitive").keys()


class AzureProject(Project):
    """A stack ``dev`` whose only provider is azurerm."""

    def write(self, resources: dict[str, Any]) -> None:
        super().write(resources)
        document = json.loads((self.stack / "cdk.tf.json").read_text())
        required = {"azurerm": {"source": "hashicorp/azurerm", "version": "4.55.0"}}
        document["terraform"]["required_providers"] = required
        provider = {"features": [{}], "subscription_id": SUBSCRIPTION, "tenant_id": TENANT}
        document["provider"] = {"azurerm": [provider]}
        (self.stack / "cdk.tf.json").write_text(json.dumps(document))

    @property
    def kept(self) -> dict[str, dict[str, Any]]:
        """Type -> the attributes of its one resource."""
        return {item.type: item.body | {"id": item.id} for item in self.terraform.workspace("dev").store.list()}


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> AzureProject:
    project = AzureProject(tmp_path_factory.mktemp("azure"))
    project.apply(PLATFORM)
    return project


def test_the_platform_is_applied_and_the_second_plan_is_empty(applied):
    assert applied.kept.keys() == PLATFORM.keys()
    assert applied.plan() == {}


def test_ids_are_azures_and_computed_values_are_there(applied):
    kept = applied.kept
    assert kept["azurerm_resource_group"]["id"] == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-cdh-dev"
    assert kept["azurerm_resource_group"]["location"] == "westeurope"
    assert kept["azurerm_subnet"]["id"] == f"{PREFIX}/Microsoft.Network/virtualNetworks/vnet/subnets/private"
    assert kept["azurerm_databricks_workspace"]["id"] == f"{PREFIX}/Microsoft.Databricks/workspaces/dbw-cdh-dev"
    assert kept["azurerm_databricks_workspace"]["workspace_url"].endswith(".azuredatabricks.net")
    assert kept["azurerm_databricks_workspace"]["managed_resource_group_name"] == "databricks-rg-rg-cdh-dev"
    assert kept["azurerm_storage_account"]["primary_dfs_endpoint"] == "https://cdhdev.dfs.core.windows.net/"
    assert kept["azurerm_eventhub"]["namespace_name"] == "hubs"
    principal = kept["azurerm_databricks_access_connector"]["identity"][0]["principal_id"]
    assert kept["azurerm_role_assignment"]["principal_id"] == principal
    assert kept["azurerm_key_vault_secret"]["id"].startswith("https://kv-cdh-dev.vault.azure.net/secrets/salt/")


def test_a_force_new_change_replaces_another_updates_and_a_regions_spelling_is_nothing(applied):
    changed = json.loads(json.dumps(PLATFORM))
    changed["azurerm_management_lock"]["l"]["lock_level"] = "ReadOnly"
    changed["azurerm_log_analytics_workspace"]["l"]["retention_in_days"] = 90
    changed["azurerm_virtual_network"]["v"]["location"] = "westeurope"
    assert applied.plan(changed) == {
        "azurerm_management_lock.l": "replace",
        "azurerm_log_analytics_workspace.l": "update",
    }


def test_what_others_changed_or_removed_is_seen(applied):
    store = applied.terraform.workspace("dev").store
    lock, budget = (
        store.list(f"azurerm_{name}")[0] for name in ("management_lock", "consumption_budget_resource_group")
    )
    store.delete(lock.type, lock.id)
    store.update(budget.type, budget.id, budget.body | {"amount": 9})
    try:
        assert applied.plan(PLATFORM) == {
            "azurerm_management_lock.l": "create",
            "azurerm_consumption_budget_resource_group.b": "update",
        }
    finally:
        store.create(lock.type, lock.id, lock.body)
        store.update(budget.type, budget.id, budget.body)


def test_errors_read_like_azures(tmp_path):
    project = AzureProject(tmp_path)
    group = {"name": "rg", "location": "westeurope"}
    text = project.try_apply(
        {
            "azurerm_resource_group": {"a": group, "b": group | {"depends_on": ["azurerm_resource_group.a"]}},
            "azurerm_user_assigned_identity": {"i": {"name": "i", "location": "x", "resource_group_name": "nope"}},
        }
    )
    assert "ResourceGroupNotFound: Resource group 'nope' could not be found." in text
    taken = f'A resource with the ID "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg" already exists'
    assert f"{taken} - to be managed via Terraform this resource needs to be imported into the State." in text
    assert [item.body["name"] for item in project.terraform.workspace("dev").store.list()] == ["rg"]


def test_a_provider_without_a_subscription_is_refused(tmp_path):
    project = AzureProject(tmp_path)
    project.write(PLATFORM)
    project.terraform._ready("dev", lambda line: None)
    override = {"provider": {"azurerm": {"features": [{}], "subscription_id": ""}}}
    (project.stack / "subscription_override.tf.json").write_text(json.dumps(override))
    with pytest.raises(TerraformError, match="`subscription_id` is a required provider property"):
        project.terraform.plan("dev")


def test_destroy_removes_all_of_it(tmp_path):
    project = AzureProject(tmp_path)
    project.apply(PLATFORM)
    assert project.terraform.destroy("dev").destroyed == len(PLATFORM)
    assert project.terraform.workspace("dev").store.list() == []


def test_stacks_of_one_subscription_share_a_folder_and_not_a_state(tmp_path):
    project = AzureProject(tmp_path)
    project.write({"azurerm_resource_group": {"g": {"name": "rg-a", "location": "westeurope"}}})
    manifest = project.folder / "cdktf.out" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["stacks"]["other"] = document["stacks"]["dev"] | {"name": "other"}
    manifest.write_text(json.dumps(document))
    assert project.terraform.workspace("dev") == project.terraform.workspace("other")
    assert project.terraform._state("dev") != project.terraform._state("other")

    workspace = project.terraform.workspace("dev")
    for stack in ("dev", "other"):
        workspace.store.create("azurerm_resource_group", stack, {"id": stack})
        instances = [{"attributes": {"id": stack}}]
        state = {"resources": [{"type": "azurerm_resource_group", "instances": instances}]}
        project.terraform._state(stack).write_text(json.dumps(state))
    assert forget_left_overs(workspace) == 0
    project.terraform._state("other").unlink()
    assert forget_left_overs(workspace) == 1
    assert [item.id for item in workspace.store.list()] == ["dev"]


def test_a_write_only_argument_is_refused_so_that_it_never_lands_in_the_state():
    secret = AZURE.kinds["azurerm_key_vault_secret"]
    assert [item.steps for item in secret.check({"value": None, "value_wo": "s"})] == [("value_wo",)]
    assert secret.check({"value": "s", "value_wo": None}) == []
