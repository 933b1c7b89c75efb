"""Who may do what: the seed's sentences against what is deployed, and each rule broken once."""

from __future__ import annotations

import copy
import re
from collections import Counter

import pytest
from access_mutation import DOCUMENTED
from infra_documents import addresses, of_kind, seed

from infra.pipelines import jobs
from infra.roles import MATRIX, On, Principal, Role, access, row
from infra.stages import STAGES, StageName
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
ANALYSTS = ("cdh-ml-data-science-analysts", "cdh-ml-feature-analysts")
LOOKS = {"BROWSE", "EXECUTE", "READ_VOLUME", "SELECT", "USE_CATALOG", "USE_SCHEMA", "CAN_VIEW", "CAN_READ"}


def rights(document: dict) -> list[tuple[str, str, str]]:
    """(address of the thing, principal, right) for everything that is granted or permitted."""
    found = []
    for address, body in addresses(document).items():
        for one in body.get("grant", []) if address.startswith("databricks_grants.") else []:
            found += [(address, one["principal"], right) for right in one["privileges"]]
        for one in body.get("access_control", []):
            found.append((address, one.get("group_name") or one["service_principal_name"], one["permission_level"]))
    return found


def of_analysts(document: dict) -> list[tuple[str, str, str]]:
    return [one for one in rights(document) if one[1].startswith(ANALYSTS)]


def beyond_looking(document: dict) -> list[tuple[str, str, str]]:
    """What analysts hold that lets them write, or start compute. A cluster policy is compute."""
    return [one for one in of_analysts(document) if one[2] not in LOOKS or "permissions.policy_" in one[0]]


def repeated(document: dict) -> list[str]:
    """Things with more than one authoritative resource, and things that give one principal two entries."""
    things: Counter[str] = Counter()
    twice = []
    for address, body in addresses(document).items():
        if not address.startswith(("databricks_grants.", "databricks_permissions.")):
            continue
        entries = body.get("grant") or body["access_control"]
        target = {key: value for key, value in body.items() if key not in ("grant", "access_control")}
        things[str(sorted(target.items()))] += 1
        who = Counter(e.get("principal") or e.get("group_name") or e.get("service_principal_name") for e in entries)
        twice += [f"{address}: {name}" for name, count in who.items() if count > 1]
    return twice + [thing for thing, count in things.items() if count > 1]


# --- O2: "Data Science Analysts typically do not have write or compute access in the production environment." ---


@pytest.mark.clause("O2")
def test_analysts_neither_write_nor_start_anything_in_prod(documents):
    assert of_analysts(documents["prod"])
    assert beyond_looking(documents["prod"]) == []


@pytest.mark.parametrize("right", ["MODIFY", "CREATE_TABLE", "WRITE_VOLUME", "CAN_MANAGE_RUN", "CAN_EDIT"])
def test_a_right_to_write_or_run_that_an_analyst_gets_in_prod_is_found(documents, right):
    broken = copy.deepcopy(documents["prod"])
    if right.startswith("CAN"):
        entries = next(iter(broken["resource"]["databricks_permissions"].values()))["access_control"]
        entries.append({"group_name": f"{ANALYSTS[1]}-uci130", "permission_level": right})
    else:
        entries = next(iter(broken["resource"]["databricks_grants"].values()))["grant"]
        entries.append({"principal": ANALYSTS[0], "privileges": [right]})
    assert [one[2] for one in beyond_looking(broken)] == [right]


def test_a_cluster_policy_that_an_analyst_may_use_in_prod_is_found(documents):
    broken = copy.deepcopy(documents["prod"])
    entries = broken["resource"]["databricks_permissions"]["policy_ml_cpu"]["access_control"]
    entries.append({"group_name": ANALYSTS[0], "permission_level": "CAN_USE"})
    assert len(beyond_looking(broken)) == 1


# --- O2: "it is important that they have visibility to test results, logs, model artifacts, and ... pipeline status" ---


@pytest.mark.clause("O2")
@pytest.mark.parametrize("group", ANALYSTS)
def test_analysts_see_status_and_logs_test_results_and_model_artifacts_in_prod(documents, declared, group):
    seen = set(rights(documents["prod"]))
    for one in declared.declarations:
        # Reference data hold no source's persons: every analyst sees how they are loaded.
        mine = f"{group}-{one.source.replace('_', '-')}" if one.source else group
        for plan in jobs(one):
            assert (f"databricks_permissions.job_{plan.name}", mine, "CAN_VIEW") in seen
        if one.name in declared.models:
            assert (f"databricks_permissions.experiment_{one.name}", mine, "CAN_READ") in seen
            assert (f"databricks_permissions.experiment_{one.name}_validation", mine, "CAN_READ") in seen
            assert (f"databricks_grants.model_{one.name}", mine, "EXECUTE") in seen
            assert (f"databricks_grants.schema_{one.name}", mine, "USE_SCHEMA") in seen
            assert (f"databricks_grants.schema_{one.name}", mine, "SELECT") not in seen, "predictions are about persons"
    assert ("databricks_grants.volume_artifacts", group, "READ_VOLUME") in seen


# --- "Access follows roles, datasets and stages" ---


@EVERY
def test_who_may_see_one_source_does_not_see_another(documents, declared, stage):
    zones = {source: (source, f"{source}_ra", f"{source}_exploratory") for source in
             {one.source for one in declared.featurizations.values()}}  # fmt: skip
    assert len(zones) > 1
    for source, names in zones.items():
        own = {*names, *(model.name for model in declared.models.values() if model.source == source)}
        for address, who, right in rights(documents[stage]):
            if address in {f"databricks_grants.schema_{name}" for name in own}:
                # One source's name may end as another's: a group is of the source whose whole name it ends with.
                ends = [other for other in zones if who.endswith(f"-{other.replace('_', '-')}")]
                of = max(ends, key=len, default=None)
                assert of in (None, source), (address, who, right)
                if who.startswith(ANALYSTS):
                    assert of == source, (address, who, right)


def test_analysts_write_only_in_their_own_zone_of_dev(documents):
    written = {
        (stage, address)
        for stage, document in documents.items()
        for address, who, right in of_analysts(document)
        if right in {"MODIFY", "CREATE_TABLE", "WRITE_VOLUME"}
    }
    assert written
    assert all(stage == "dev" and address.endswith("_exploratory") for stage, address in written)


@pytest.mark.clause("R1")
def test_the_principal_investigator_manages_the_production_experiment_and_starts_promotion(documents, declared):
    found = set(rights(documents["prod"]))
    for model in declared.models.values():
        group = f"cdh-ml-principal-investigators-{model.source.replace('_', '-')}"
        assert (f"databricks_permissions.experiment_{model.name}", group, "CAN_MANAGE") in found
        for job in ("promote", "retrain"):
            assert (f"databricks_permissions.job_{model.name}_{job}", group, "CAN_MANAGE_RUN") in found


@pytest.mark.clause("R4")
def test_the_data_manager_runs_featurization_and_withdrawal_in_prod_and_nothing_else_there(documents):
    started = {address.split(".job_")[1] for address, who, right in rights(documents["prod"])
               if who == Role.R4.value and right == "CAN_MANAGE_RUN"}  # fmt: skip
    assert started == {
        name for name in of_kind(documents["prod"], "databricks_job") if name.endswith(("_featurize", "_withdraw"))
    }


@EVERY
@pytest.mark.clause("R6")
def test_break_glass_tells_the_operators_of_every_start_and_end_and_is_never_tried_again(documents, declared, stage):
    for one in declared.featurizations:
        job = of_kind(documents[stage], "databricks_job")[f"{one}_unseal"]
        told = job["email_notifications"]
        assert told["on_start"] == told["on_success"] == told["on_failure"] != []
        (task,) = job["task"]
        assert task["max_retries"] == 0
        assert task["timeout_seconds"] == 3600, "longer than the longest opening"
        # Whom it opens to is no parameter of the job: who starts it cannot choose another group.
        assert task["python_wheel_task"]["named_parameters"]["group"] == Role.R6.value
        assert {one["name"] for one in job["parameter"]} == {"minutes", "reason", "requested_by", "ticket"}


# --- what the provider does not check ---


@EVERY
def test_every_privilege_exists_for_the_thing_it_is_granted_on(documents, stage):
    for name, body in of_kind(documents[stage], "databricks_grants").items():
        (kind,) = set(body) & set(DOCUMENTED)
        for one in body["grant"]:
            assert one["privileges"], name
            assert set(one["privileges"]) <= DOCUMENTED[kind], name
            assert one["privileges"] == sorted(one["privileges"])
    assert "ALL_PRIVILEGES" not in str(documents[stage])


@pytest.mark.parametrize(
    ("on", "right"),
    [(On.REGISTERED_MODEL, "SELECT"), (On.CATALOG, "ALL_PRIVILEGES"), (On.TRAIN, "CAN_FLY"), (On.POLICY, "CAN_VIEW")],
)
def test_a_right_that_the_thing_does_not_know_is_refused_with_the_ones_it_knows(on, right):
    with pytest.raises(DeclarationError, match=f"infra/roles.py: .*{right}.*valid: [A-Z]"):
        row((Role.R2,), (on,), (right,), "because")


@EVERY
def test_a_thing_has_one_authoritative_resource_and_a_principal_one_entry(documents, stage):
    assert repeated(documents[stage]) == []


def test_a_second_resource_for_a_thing_and_a_second_entry_are_found(documents):
    broken = copy.deepcopy(documents["dev"])
    grants = broken["resource"]["databricks_grants"]
    grants["again"] = copy.deepcopy(grants["catalog_cdh"])
    grants["volume_landing"]["grant"].append(dict(grants["volume_landing"]["grant"][0]))
    assert len(repeated(broken)) == 2


@EVERY
def test_everything_that_can_be_granted_or_permitted_is(documents, stage):
    document = documents[stage]
    for kind, prefix, group in (
        ("databricks_schema", "schema_", "databricks_grants"), ("databricks_volume", "volume_", "databricks_grants"),
        ("databricks_registered_model", "model_", "databricks_grants"), ("databricks_job", "job_", "databricks_permissions"),
        ("databricks_mlflow_experiment", "experiment_", "databricks_permissions"),
        ("databricks_cluster_policy", "policy_", "databricks_permissions"),
        ("databricks_external_location", "location_", "databricks_grants"),
        ("databricks_storage_credential", "credential_", "databricks_grants"),
    ):  # fmt: skip
        granted = {name.removeprefix(prefix) for name in of_kind(document, group) if name.startswith(prefix)}
        assert granted == set(of_kind(document, kind)), kind


@EVERY
def test_a_job_states_its_owner_and_never_touches_the_admins(documents, stage):
    for name, body in of_kind(documents[stage], "databricks_permissions").items():
        levels = [one["permission_level"] for one in body["access_control"]]
        assert levels.count("IS_OWNER") == ("job_id" in body or "sql_endpoint_id" in body), name
        assert all(one.get("group_name") != "admins" for one in body["access_control"])


@EVERY
def test_who_runs_a_job_may_read_its_files_and_use_its_compute(documents, stage):
    found = set(rights(documents[stage]))
    for job in of_kind(documents[stage], "databricks_job").values():
        who = job["run_as"]["service_principal_name"]
        assert ("databricks_grants.volume_artifacts", who, "READ_VOLUME") in found
        assert ("databricks_grants.schema_ml", who, "USE_SCHEMA") in found
        assert ("databricks_grants.catalog_cdh", who, "USE_CATALOG") in found
        assert ("databricks_permissions.policy_ml_cpu", who, "CAN_USE") in found


@EVERY
def test_a_job_that_runs_another_may_run_it(documents, stage):
    found = set(rights(documents[stage]))
    pairs = 0
    for job in of_kind(documents[stage], "databricks_job").values():
        for task in job["task"]:
            if "run_job_task" in task:
                other = re.fullmatch(r"\$\{databricks_job\.(\w+)\.id\}", task["run_job_task"]["job_id"])[1]
                who = job["run_as"]["service_principal_name"]
                assert (f"databricks_permissions.job_{other}", who, "CAN_MANAGE_RUN") in found
                pairs += 1
    assert pairs


@EVERY
def test_a_right_on_a_model_or_volume_comes_with_the_use_of_its_schema(documents, stage):
    found = set(rights(documents[stage]))
    for address, who, _ in found:
        kind, _, name = address.removeprefix("databricks_grants.").partition("_")
        if kind in ("model", "volume") and "sp_deploy" not in who:
            schema = name if kind == "model" else "ml"
            assert (f"databricks_grants.schema_{schema}", who, "USE_SCHEMA") in found, (address, who)


def test_a_principal_has_only_the_strongest_of_its_levels_on_an_object():
    engineers = {one.principal: one.rights for one in access(On.EXPERIMENT, STAGES["prod"], "uci130")}
    assert engineers["cdh-ml-principal-investigators-uci130"] == ("CAN_MANAGE",)
    assert engineers[Principal.TRAIN] == ("CAN_EDIT",)


# --- the matrix quotes the seed ---


@pytest.mark.parametrize("sentence", sorted({one.because for one in MATRIX}))
def test_a_row_of_the_matrix_quotes_the_seed_word_for_word(sentence):
    assert sentence in seed()


def test_every_role_of_the_seed_has_something_to_do():
    assert {who for one in MATRIX for who in one.who} == {*Role, *Principal}
