"""The stand-in for an account: where it is kept, what its service refuses, and what a stage's deployment leaves alone."""

from __future__ import annotations

import json

import pytest
from provider_project import ROOT, Project
from terraform_core import Core, RefusedError

from sandbox.left_overs import forget_left_overs
from sandbox.provider.registry import PROVIDERS
from sandbox.workspace import Workspace, accounts, stages

ACCOUNT = "00000000-0000-4000-8000-000000000009"
HOST = "https://accounts.azuredatabricks.net"
WORKSPACE = {"azure_workspace_resource_id": "/subscriptions/0/resourceGroups/rg/providers/x/workspaces/dbw-test"}


@pytest.mark.parametrize(
    ("configuration", "kept_in"),
    [
        ({"host": HOST, "account_id": ACCOUNT}, f"account-{ACCOUNT}"),
        (WORKSPACE, "dbw-test"),
        (WORKSPACE | {"account_id": ACCOUNT}, "dbw-test"),
        (WORKSPACE | {"host": "https://adb-0000.azuredatabricks.example", "account_id": ACCOUNT}, "dbw-test"),
    ],
)
def test_a_provider_that_speaks_to_an_account_has_a_folder_of_its_own(configuration, kept_in):
    assert PROVIDERS["databricks"].workspace(configuration) == kept_in


class AccountProject(Project):
    """A stack ``dev`` that speaks to an account, and through a workspace to its metastore."""

    def write(self, resources) -> None:
        super().write(resources)
        document = json.loads((self.stack / "cdk.tf.json").read_text())
        document["provider"] = {
            "databricks": [{"host": HOST, "account_id": ACCOUNT}, {"alias": "metastore", **WORKSPACE}]
        }
        (self.stack / "cdk.tf.json").write_text(json.dumps(document))


RESOURCES = {
    "databricks_service_principal": {
        "s": {"application_id": "7d3c9a10-0000-4b6e-9c11-5f0e2a9b8c7d", "display_name": "s"}
    },
    "databricks_budget_policy": {"b": {"policy_name": "b", "binding_workspace_ids": [12]}},
    "databricks_service_principal_federation_policy": {
        "f": {
            "service_principal_id": "${databricks_service_principal.s.id}",
            "oidc_policy": {"issuer": "https://ci.example", "subject": "repo:a"},
        }
    },
    "databricks_grant": {
        "g": {"provider": "databricks.metastore", "metastore": "m", "principal": "a", "privileges": ["CREATE_CATALOG"]}
    },
    "databricks_system_schema": {"a": {"provider": "databricks.metastore", "schema": "access"}},
}


def test_a_stack_with_two_doors_keeps_its_things_apart_and_no_stage_takes_them_for_left_over(tmp_path):
    project = AccountProject(tmp_path)
    project.apply(RESOURCES)
    out = project.folder / "cdktf.out"
    assert (accounts(out), stages(out)) == ({"dev": f"account-{ACCOUNT}"}, {})
    home = project.terraform.home
    account, workspace = (Workspace.named(home, name) for name in (f"account-{ACCOUNT}", "dbw-test"))
    assert {item.type for item in workspace.store.list()} == {"databricks_grant", "databricks_system_schema"}
    assert len(account.store.list()) == 3

    # A stage that is deployed into the same workspace does not take these for left over from a deployment cut off.
    assert forget_left_overs(workspace) == forget_left_overs(account) == 0
    workspace.store.create("databricks_cluster_policy", "cut-off", {"id": "cut-off"})
    assert forget_left_overs(workspace) == 1


def test_what_others_changed_in_the_account_is_seen_and_a_policy_is_changed_in_its_place(tmp_path):
    core = Core(tmp_path, ROOT / ".cache")
    resources = json.loads(json.dumps(RESOURCES).replace('"provider": "databricks.metastore", ', ""))
    core.apply(resources)
    assert core.plan(resources) == []
    store = core.workspace.store
    (policy,) = store.list("databricks_budget_policy")
    store.update(policy.type, policy.id, policy.body | {"binding_workspace_ids": [13]})
    (grant,) = store.list("databricks_grant")
    store.update(grant.type, grant.id, grant.body | {"privileges": ["CREATE_CATALOG", "CREATE_SHARE"]})
    (federation,) = store.list("databricks_service_principal_federation_policy")
    store.delete(federation.type, federation.id)
    assert {change.address: change.actions for change in core.plan(resources)} == {
        "databricks_budget_policy.b": ("update",),
        "databricks_grant.g": ("update",),
        "databricks_service_principal_federation_policy.f": ("create",),
    }
    core.apply(resources)
    assert core.plan(resources) == []
    assert store.read(policy.type, policy.id).body["binding_workspace_ids"] == [12]


@pytest.mark.parametrize(
    ("type_name", "body", "told"),
    [
        ("databricks_mws_permission_assignment", {"workspace_id": 12, "principal_id": 5, "permissions": ["USER"]},
         "not available for workspace 12: it has no metastore"),
        ("databricks_system_schema", {"schema": "secrets"}, "system schema 'secrets' is unknown; valid: access, billing"),
        ("databricks_grant", {"metastore": "m", "principal": "a", "privileges": ["SELECT"]},
         "Privilege SELECT is not applicable to this entity [m:METASTORE]. Valid: CREATE_CATALOG"),
        ("databricks_grant", {"schema": "cdh_test.nope", "principal": "a", "privileges": ["SELECT"]},
         "Schema 'cdh_test.nope' does not exist"),
        ("databricks_service_principal_federation_policy", {"service_principal_id": 7},
         "Service principal '7' does not exist"),
        ("databricks_workspace_binding", {"securable_type": "external_location", "securable_name": "x", "workspace_id": 1},
         "External location 'x' does not exist"),
    ],
)  # fmt: skip
def test_what_the_service_refuses_is_refused_at_apply_in_its_words(tmp_path, type_name, body, told):
    core = Core(tmp_path, ROOT / ".cache")
    with pytest.raises(RefusedError) as caught:
        core.apply({type_name: {"r": body}})
    assert caught.value.at == "apply"
    assert told in caught.value.text


def test_a_level_that_a_workspace_does_not_know_is_refused(tmp_path):
    core = Core(tmp_path, ROOT / ".cache")
    with pytest.raises(RefusedError, match="permission 'OWNER' is unknown; valid: ADMIN, USER"):
        core.apply(
            {
                "databricks_metastore_assignment": {"m": {"metastore_id": "m", "workspace_id": 12}},
                "databricks_mws_permission_assignment": {
                    "a": {
                        "workspace_id": "${databricks_metastore_assignment.m.workspace_id}",
                        "principal_id": 5,
                        "permissions": ["OWNER"],
                    }
                },
            }
        )


def test_files_of_an_external_volume_are_there_again_with_it_and_a_managed_ones_are_gone(tmp_path):
    core = Core(tmp_path, ROOT / ".cache")
    named = {"catalog_name": "cdh_test", "schema_name": "${databricks_schema.s.name}"}
    place = {"volume_type": "EXTERNAL", "storage_location": "abfss://landing@a.example/v"}
    everything = {
        "databricks_catalog": {"c": {"name": "cdh_test", "force_destroy": True}},
        "databricks_schema": {"s": {"catalog_name": "${databricks_catalog.c.name}", "name": "ml"}},
        "databricks_volume": {
            "managed": named | {"name": "managed", "volume_type": "MANAGED"},
            "landing": named | {"name": "landing"} | place,
        },
    }
    core.apply(everything)
    paths = [core.workspace.volume_path(f"/Volumes/cdh_test/ml/{name}/a.csv") for name in ("managed", "landing")]
    for path in paths:
        path.write_text("a")
    for name in ("managed", "landing"):
        core._applied(f"databricks_volume.{name}", core.state.pop(f"databricks_volume.{name}"), None)
    assert [path.exists() for path in paths] == [False, True]
    core.apply(everything)
    assert [path.exists() for path in paths] == [False, True]
