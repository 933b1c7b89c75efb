"""Answers from a synthesized document alone: inheritance, ownership, levels, use of what a thing lies in."""

from __future__ import annotations

import copy

import pytest

from review.access import reasons, resolved, what_can, who_can
from review.deployed import ReviewError, read

SP = "${databricks_service_principal.%s.application_id}"
SCHEMA = {"catalog_name": "${databricks_catalog.cdh.name}", "name": "facts", "owner": SP % "sp_deploy"}


def grants(kind: str, of: str, **given: list[str]) -> dict:
    return {kind: of, "grant": [{"principal": who.replace("_", "-"), "privileges": has} for who, has in given.items()]}


DOCUMENT = {
    "resource": {
        "databricks_service_principal": {"sp_deploy": {}, "sp_promote": {"workspace_access": True}},
        "databricks_catalog": {"cdh": {"name": "cdh_dev", "owner": SP % "sp_deploy"}},
        "databricks_schema": {"facts": SCHEMA},
        "databricks_registered_model": {
            "risk": {
                "catalog_name": "${databricks_schema.facts.catalog_name}",
                "schema_name": "${databricks_schema.facts.name}", "name": "risk", "owner": SP % "sp_promote",
            }
        },
        "databricks_directory": {
            "cdh": {"path": "/cdh"}, "alerts": {"path": "${databricks_directory.cdh.path}/alerts"},
            "apart": {"path": "/cdh-apart"},
        },
        "databricks_alert_v2": {
            "failed": {"display_name": "Failed", "parent_path": "${databricks_directory.alerts.path}"}
        },
        "databricks_dashboard": {
            "status": {"display_name": "Platform status", "parent_path": "${databricks_directory.cdh.path}"}
        },
        "databricks_sql_endpoint": {"cdh": {"name": "cdh"}},
        "databricks_secret_scope": {"vault": {"name": "vault"}},
        "databricks_storage_credential": {"lake": {"name": "lake", "owner": SP % "sp_deploy"}},
        "databricks_external_location": {"zone": {"name": "zone", "owner": SP % "sp_deploy"}},
        "databricks_entitlements": {
            "readers": {"group_id": "101", "workspace_access": True, "databricks_sql_access": False},
            "writers": {"group_id": "102", "workspace_access": True, "databricks_sql_access": True,
                        "allow_cluster_create": False},
        },
        "databricks_secret_acl": {
            "writers": {"scope": "${databricks_secret_scope.vault.name}", "principal": "writers", "permission": "WRITE"},
        },
        "databricks_mlflow_experiment": {"risk": {"name": "/cdh/risk"}},
        "databricks_job": {"risk_train": {"name": "risk_train"}},
        "databricks_grants": {
            "catalog": grants("catalog", "${databricks_catalog.cdh.name}", readers=["SELECT", "USE_CATALOG", "USE_SCHEMA"],
                              writers=["USE_CATALOG"], outside=["BROWSE"]),
            "schema": grants("schema", "${databricks_schema.facts.id}", writers=["MODIFY", "USE_SCHEMA"],
                             outside=["SELECT", "USE_SCHEMA"]),
            "location": grants("external_location", "${databricks_external_location.zone.name}", readers=["READ_FILES"]),
            "model": grants("model", "${databricks_registered_model.risk.id}", writers=["EXECUTE", "MANAGE"]),
        },
        "databricks_permissions": {
            "folder": {
                "directory_path": "${databricks_directory.cdh.path}",
                "access_control": [{"group_name": "readers", "permission_level": "CAN_READ"}],
            },
            "alerts": {
                "directory_path": "${databricks_directory.alerts.path}",
                "access_control": [{"group_name": "writers", "permission_level": "CAN_RUN"}],
            },
            "warehouse": {
                "sql_endpoint_id": "${databricks_sql_endpoint.cdh.id}",
                "access_control": [{"group_name": "readers", "permission_level": "CAN_USE"},
                                   {"group_name": "writers", "permission_level": "CAN_MONITOR"}],
            },
            "job": {
                "job_id": "${databricks_job.risk_train.id}",
                "access_control": [{"group_name": "writers", "permission_level": "CAN_MANAGE"},
                                   {"group_name": "readers", "permission_level": "CAN_VIEW"}],
            },
        },
    }
}  # fmt: skip


# Databricks: "Privileges are inherited downward", "USE CATALOG and USE SCHEMA ... to interact with any object within";
# job permissions "CAN VIEW, CAN MANAGE RUN, IS OWNER, CAN MANAGE", each with what is before it; "Only the owner of a
# registered model can set an alias"; "Objects in a folder inherit all permissions settings of that folder. For example,
# a user that has CAN RUN permission on a folder has CAN RUN permission on the alerts in that folder"; of a warehouse,
# CAN USE shows no monitoring tab; secrets "MANAGE, WRITE, READ", each with those after it.
@pytest.mark.parametrize(
    ("verb", "thing", "who"),
    [
        ("read", "facts.visits", ["readers"]),
        ("read", "table/cdh_dev.facts.visits", ["readers"]),
        ("write", "facts.visits", ["writers"]),
        ("find", "cdh_dev", ["outside", "sp-deploy"]),
        # The owner has every privilege on its model but not the use of the schema.
        ("execute", "model/risk", ["writers"]),
        ("manage", "model/facts.risk", ["sp-deploy", "writers"]),
        ("set-alias", "model/risk", ["sp-promote"]),
        ("view", "risk_train", ["readers", "writers"]),
        ("run", "job/risk_train", ["writers"]),
        ("own", "job/risk_train", []),
        ("view", "experiment/risk", ["readers"]),
        ("write", "experiment/risk", []),
        ("create", "schema/facts", ["sp-deploy"]),
        ("run", "alert/Failed", ["writers"]),
        ("view", "alert/Failed", ["readers", "writers"]),
        ("view", "directory//cdh/alerts", ["readers", "writers"]),
        ("view", "directory//cdh", ["readers"]),
        ("view", "directory//cdh-apart", []),
        ("view", "dashboard/Platform status", ["readers"]),
        ("run", "dashboard/Platform status", []),
        ("use", "warehouse/cdh", ["readers", "writers"]),
        ("monitor", "warehouse/cdh", ["writers"]),
        ("read", "secret-scope/vault", ["writers"]),
        ("manage", "secret-scope/vault", []),
        ("read", "external_location/zone", ["readers", "sp-deploy"]),
        ("store", "external_location/zone", ["sp-deploy"]),
        ("create", "storage_credential/lake", ["sp-deploy"]),
        ("open", "workspace/dev", ["readers", "sp-promote", "writers"]),
        ("query", "workspace/dev", ["writers"]),
        ("create-cluster", "workspace/dev", []),
    ],
)
def test_who_can_follows_the_rules_that_databricks_documents(verb, thing, who):
    found = [one.principal for one in who_can(read(DOCUMENT, "dev"), verb, thing)]
    assert found == who


def test_an_answer_says_through_which_grants():
    (one,) = who_can(read(DOCUMENT, "dev"), "read", "facts.visits")
    assert [(why.right, why.on, why.by) for why in one.reasons] == [
        ("USE_CATALOG", "catalog/cdh_dev", "databricks_grants.catalog"),
        ("USE_SCHEMA", "catalog/cdh_dev", "databricks_grants.catalog"),
        ("SELECT", "catalog/cdh_dev", "databricks_grants.catalog"),
    ]


@pytest.mark.parametrize("taken", ["USE_CATALOG", "USE_SCHEMA", "SELECT"])
def test_without_the_right_or_the_use_of_what_it_lies_in_there_is_no_reading(taken):
    broken = copy.deepcopy(DOCUMENT)
    broken["resource"]["databricks_grants"]["catalog"]["grant"][0]["privileges"].remove(taken)
    deployed = read(broken, "dev")
    assert not reasons(deployed, "readers", "read", deployed.thing("facts.visits"))


def test_the_group_of_a_dataset_has_what_the_roles_own_group_has():
    broken = copy.deepcopy(DOCUMENT)
    broken["resource"]["databricks_grants"]["schema"]["grant"].append(
        {"principal": "readers-premier", "privileges": ["MODIFY"]}
    )
    deployed = read(broken, "dev")
    table = deployed.thing("facts.visits")
    assert reasons(deployed, "readers-premier", "write", table)
    assert not reasons(deployed, "readers", "write", table)
    assert resolved(deployed, "r9", {"R9": "readers"}) == ("readers", "readers-premier")
    assert resolved(deployed, "R9-premier", {"R9": "readers"}) == ("readers-premier",)
    assert [(one.verb, one.thing.key) for one in what_can(deployed, "readers")][:2] == [
        ("view", "alert/Failed"), ("use", "catalog/cdh_dev")]  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "thing", "says"),
    [
        ("reed", "facts", "verb 'reed' is unknown .did you mean 'read'..; valid: consume, create"),
        ("run", "schema/facts", "for a schema the verb 'run' is unknown.*valid: create"),
        ("run", "risk_trian", "dev: object 'risk_trian' is unknown .did you mean 'job/risk_train'"),
        (
            "read",
            "risk",
            "object 'risk' is several things; valid: experiment//cdh/risk, model/cdh_dev.facts.risk",
        ),
        ("read", "wrong.visits", "object 'wrong.visits' is unknown.*table/facts.<table>"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(verb, thing, says):
    with pytest.raises(ReviewError, match=says):
        who_can(read(DOCUMENT, "dev"), verb, thing)


def test_a_role_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ReviewError, match=r"'R8' is unknown.*valid: R9, outside, readers"):
        resolved(read(DOCUMENT, "dev"), "R8", {"R9": "readers"})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("databricks_grants", {"share": "s", "grant": []}),
        ("databricks_permissions", {"repo_id": "1", "access_control": []}),
        (
            "databricks_permissions",
            {
                "job_id": "${databricks_job.gone.id}",
                "access_control": [{"group_name": "a", "permission_level": "CAN_VIEW"}],
            },
        ),
    ],
)
def test_a_grant_on_what_is_not_known_is_refused_and_not_skipped(kind, body):
    broken = copy.deepcopy(DOCUMENT)
    broken["resource"][kind]["odd"] = body
    with pytest.raises(ReviewError, match=r"odd|gone"):
        read(broken, "dev")
