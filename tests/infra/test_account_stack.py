"""What the account has once for all workspaces: who is let in where, who may run as whom, who pays, and no secret."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from infra_documents import addresses, of_kind
from provider_schema import all_departures, facts

from infra import inputs
from infra.clusters import load as load_clusters
from infra.placeholders import placeholders
from infra.roles import Principal
from infra.stages import StageName
from workflows.discover import discover
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
# The seed's seven roles, written by hand, and of those that see persons a group for each source that is declared.
ROLES = {
    "cdh-ml-principal-investigators", "cdh-ml-architects", "cdh-ml-data-science-analysts", "cdh-ml-data-managers",
    "cdh-ml-feature-analysts", "cdh-ml-mlops-engineers", "cdh-ml-engineers",
}  # fmt: skip
DATASETS = {
    f"cdh-ml-{who}-{one.source.replace('_', '-')}"
    for who in ("principal-investigators", "data-science-analysts", "feature-analysts")
    for one in discover(clusters=load_clusters()).featurizations.values()
}


def test_every_attribute_of_the_account_is_one_that_the_provider_takes(account_document):
    document = dict(account_document)
    providers = document["provider"]["databricks"]
    for one in providers:
        document["provider"] = {"databricks": [{key: value for key, value in one.items() if key != "alias"}]}
        assert all_departures(document, "databricks-1.99.0") == []


def test_attributes_of_the_account_that_exclude_each_other_are_not_set_together(account_document):
    resources = facts("databricks-1.99.0-behaviour")["resources"]
    for address, body in addresses(account_document).items():
        for name, known in resources.get(address.split(".")[0], {}).get("attributes", {}).items():
            if name in body:
                assert not set(known.get("conflicts_with", [])) & set(body) - {name}, (address, name)


def test_an_address_of_the_account_is_readable_and_carries_no_hash(account_document):
    for address in addresses(account_document):
        assert re.fullmatch(r"databricks_[a-z_]+\.[a-z][a-z0-9_]*", address)
        assert not re.search(r"[0-9a-f]{8}", address), address


@pytest.mark.clause("P5")
@EVERY
def test_the_groups_of_the_roles_and_of_the_datasets_are_let_in_as_users_and_only_the_deployer_as_admin(
    account_document, stage
):
    given = inputs.load()
    names = {number: name for name, number in given.groups.items()}
    admins, users = set(), set()
    for body in of_kind(account_document, "databricks_mws_permission_assignment").values():
        if body["workspace_id"] == given.workspace_ids[stage]:
            (users if body["permissions"] == ["USER"] else admins).add(body["principal_id"])
            assert body["permissions"] in (["USER"], ["ADMIN"])
    assert {names[number] for number in users} == ROLES | DATASETS
    assert admins == {f"${{databricks_service_principal.sp_deploy_{stage}.id}}"}


@pytest.mark.clause("P5")
def test_no_group_and_no_person_is_created(account_document, documents):
    for document in (account_document, *documents.values()):
        kinds = set(document["resource"])
        assert not kinds & {"databricks_group", "databricks_user", "databricks_group_member", "databricks_token"}


def test_a_group_of_a_declared_source_without_a_number_is_told_with_its_name(tmp_path):
    from infra import synth

    app = synth.new_app(tmp_path)
    with pytest.raises(
        DeclarationError, match=r"inputs.json: account: groups.cdh-ml-data-science-analysts-nowhere = None"
    ):
        synth.add_account(app, ["uci130", "nowhere"], inputs=inputs.load(), left=[])


@pytest.mark.clause("O1")
@EVERY
def test_only_the_stages_deployer_may_run_a_job_as_a_service_principal_of_it(account_document, stage):
    rules = of_kind(account_document, "databricks_access_control_rule_set")
    deployer = f"servicePrincipals/${{databricks_service_principal.sp_deploy_{stage}.application_id}}"
    for principal in Principal:
        address = f"{principal.value.replace('-', '_')}_{stage}"
        body = rules[address]
        assert body["name"] == (
            f"accounts/{inputs.load().account_id}/servicePrincipals/"
            f"${{databricks_service_principal.{address}.application_id}}/ruleSet/default"
        )
        assert body["grant_rules"] == [{"role": "roles/servicePrincipal.user", "principals": [deployer]}]


def test_a_rule_set_is_stated_once_and_in_no_stage(account_document, documents):
    rules = of_kind(account_document, "databricks_access_control_rule_set")
    assert len({body["name"] for body in rules.values()}) == len(rules) == 15 + 3
    assert not any("databricks_access_control_rule_set" in document["resource"] for document in documents.values())


@EVERY
def test_the_account_knows_the_service_principals_that_the_stage_lets_in(account_document, documents, stage):
    ours = {
        body["application_id"]
        for name, body in of_kind(account_document, "databricks_service_principal").items()
        if name.endswith(f"_{stage}")
    }
    assert ours == {
        body["application_id"] for body in of_kind(documents[stage], "databricks_service_principal").values()
    }
    assert len(ours) == 5


@EVERY
def test_the_pipelines_of_a_stage_sign_in_as_its_deployer_by_their_token_alone(
    account_document, azure_documents, stage
):
    policy = of_kind(account_document, "databricks_service_principal_federation_policy")[f"sp_deploy_{stage}"]
    (credential,) = of_kind(azure_documents[stage], "azurerm_federated_identity_credential").values()
    oidc = policy["oidc_policy"]
    assert policy["service_principal_id"] == f"${{databricks_service_principal.sp_deploy_{stage}.id}}"
    assert (oidc["issuer"], oidc["subject"]) == (credential["issuer"], credential["subject"])
    # docs.databricks.com, "Configure a federation policy": the audience is the account's id unless another is stated.
    assert oidc["audiences"] == [inputs.load().account_id]
    assert not re.search(r"secret|password|token_value|private_key", json.dumps(account_document), re.IGNORECASE)


def test_the_metastore_is_not_ours_alone_so_what_others_have_there_is_left(account_document):
    assert "databricks_grants" not in account_document["resource"]
    found = of_kind(account_document, "databricks_grant")
    assert set(found) == {f"metastore_sp_deploy_{name.value}" for name in StageName}
    for name, body in found.items():
        stage = name.rsplit("_", 1)[1]
        assert body["principal"] == f"${{databricks_service_principal.sp_deploy_{stage}.application_id}}"
        # What the stage stacks make in the metastore, and nothing beyond: databricks_catalog, _external_location,
        # _storage_credential.
        assert body["privileges"] == ["CREATE_CATALOG", "CREATE_EXTERNAL_LOCATION", "CREATE_STORAGE_CREDENTIAL"]
        assert body["metastore"] == inputs.load().metastore_id


def test_what_belongs_to_the_metastore_goes_through_the_workspace_that_is_never_taken_down(account_document):
    account, workspace = account_document["provider"]["databricks"]
    # learn.microsoft.com/azure/databricks: the account console's address in Azure's public cloud.
    assert account == {"account_id": inputs.load().account_id, "host": "https://accounts.azuredatabricks.net"}
    assert workspace["alias"] == "metastore"
    assert workspace["azure_workspace_resource_id"].endswith(
        "/rg-cdh-prod/providers/Microsoft.Databricks/workspaces/dbw-cdh-prod"
    )
    through = {address.split(".")[0] for address, body in addresses(account_document).items() if "provider" in body}
    assert through == {"databricks_grant", "databricks_system_schema"}
    assert set(of_kind(account_document, "databricks_system_schema")) == {
        "access",
        "compute",
        "lakeflow",
        "query",
        "serving",
    }
    assert all(
        "databricks_metastore_assignment.prod" in body["depends_on"]
        for body in of_kind(account_document, "databricks_system_schema").values()
    )


@EVERY
def test_a_workspace_has_the_metastore_before_anybody_is_let_in(account_document, stage):
    given = inputs.load()
    assigned = of_kind(account_document, "databricks_metastore_assignment")[stage]
    assert (assigned["metastore_id"], assigned["workspace_id"]) == (given.metastore_id, given.workspace_ids[stage])
    assert ("lifecycle" in assigned) is (stage == "prod")
    for body in of_kind(account_document, "databricks_mws_permission_assignment").values():
        if body["workspace_id"] == given.workspace_ids[stage]:
            assert body["depends_on"] == [f"databricks_metastore_assignment.{stage}"]


@EVERY
def test_serverless_compute_of_a_stage_is_paid_by_its_tags_and_spent_by_its_own_principals(account_document, stage):
    policy = of_kind(account_document, "databricks_budget_policy")[stage]
    tags = {one["key"]: one["value"] for one in policy["custom_tags"]}
    assert tags == {"cost_center": inputs.load().azure.cost_center, "stage": stage, "system": "cdh-mlops"}
    assert policy["binding_workspace_ids"] == [inputs.load().workspace_ids[stage]]
    rule = of_kind(account_document, "databricks_access_control_rule_set")[f"budget_policy_{stage}"]
    ((one,),) = ((rule["grant_rules"]),)
    assert one["role"] == "roles/budgetPolicy.user"
    assert len(one["principals"]) == 5
    assert all(f"_{stage}.application_id" in who for who in one["principals"])


def test_pipelines_read_the_accounts_state_and_cannot_write_it(account_document, azure_documents):
    backend = account_document["terraform"]["backend"]["azurerm"]
    of_prod = azure_documents["prod"]["terraform"]["backend"]["azurerm"]
    assert {**backend, "key": ""} == {**of_prod, "key": ""}
    assert backend["key"] == "account.tfstate" != of_prod["key"]
    written = [
        body["scope"]
        for body in of_kind(azure_documents["prod"], "azurerm_role_assignment").values()
        if body["role_definition_name"] == "Storage Blob Data Contributor"
    ]
    assert not any(scope.endswith(f"/{backend['container_name']}") for scope in written)


def test_the_account_is_deployed_from_numbers_that_are_inputs(tmp_path):
    from infra import synth

    given = inputs.load()
    other = replace(given, workspace_ids={name: 4_000_000_000_000 + i for i, name in enumerate(StageName)})
    app = synth.new_app(tmp_path)
    synth.add_account(app, ["uci130"], inputs=other, left=placeholders())
    app.synth()
    document = json.loads((tmp_path / "stacks" / "account" / "cdk.tf.json").read_text())
    found = {body["workspace_id"] for body in of_kind(document, "databricks_mws_permission_assignment").values()}
    assert found == {4_000_000_000_000, 4_000_000_000_001, 4_000_000_000_002}
