"""The people's cases asked of what is synthesized, and every single right taken or given noticed by them."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from access_cases import EVERYONE, SAID
from access_mutation import DOCUMENTED, score, unmet
from access_questions import lines, patterns, people, questions
from infra_documents import invented_model, seed
from needed_rights import UNRECORDED, rights, thing

from infra import inputs
from infra.roles import MATRIX, On, Principal
from infra.stages import StageName
from infra.unasked import UNASKED
from review.access import reasons, who_can
from review.deployed import read
from workflows.declare import Batch, Featurization, Online
from workflows.discover import Catalogue

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])


def asked(documents, declared, stage):
    return questions(read(documents[stage], stage), declared)


def failures(made) -> set:
    return made.wrong(made.people, list(made.things))


@EVERY
@pytest.mark.clause("P5", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "O1", "O2", "Q6")
def test_every_case_is_answered_by_the_synthesized_grants_as_it_is_written(documents, declared, stage):
    made = asked(documents, declared, stage)
    assert failures(made) == set()
    # No model of ours is live yet; of endpoints, the two datasets below are asked.
    left = [one for one in made.unmatched if not one.thing.startswith("endpoint/")]
    assert left == [], "these cases are about nothing that is deployed"
    assert made.allowed & made.denied == set(), "these are allowed by one sentence and denied by another"


def test_there_are_cases_for_every_role_stage_and_kind_of_object():
    written = [one for one in lines() if "*" not in (one.who, one.verb)]
    assert sum(len(one.stages) for one in written) >= 120
    assert {who for one in written for who in people(one.who)} == set(EVERYONE)
    for stage in StageName:
        here = [one for one in written if stage.value in one.stages]
        assert {one.answer for one in here} == {"allow", "deny"}
        assert {one.thing.partition("/")[0] for one in here} >= {
            "alert", "catalog", "cluster-policy", "dashboard", "directory", "endpoint", "experiment", "external_location",
            "job", "model", "schema", "secret-scope", "storage_credential", "table", "volume", "warehouse", "workspace",
        }  # fmt: skip


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in SAID])
def test_a_case_quotes_the_seed_word_for_word(sentence):
    assert sentence in seed()


@pytest.fixture(scope="module")
def two_datasets(synthesised, declared):
    """Premier and ABFM, each with a model of its own, which is live and answers at an endpoint."""
    sources = {one: replace(declared.sources["synthetic_omop"], name=one) for one in ("abfm", "premier")}
    models = {
        name: replace(invented_model(name), source=source, serve=[Batch(), Online()])
        for name, source in (("mortality", "premier"), ("hypertension", "abfm"))
    }
    facts = {one: Featurization(name=one, source=one, cluster="ml_cpu") for one in ("abfm", "premier")}
    catalogue = Catalogue(sources, facts, models, {})
    live = {name: dict.fromkeys(models, 1) for name in StageName}
    return catalogue, synthesised(catalogue, None, replace(inputs.load(), live=live))


@EVERY
@pytest.mark.clause("P5")
def test_a_premier_analyst_does_not_see_abfm(two_datasets, stage):
    catalogue, documents = two_datasets
    made = asked(documents, catalogue, stage)
    assert failures(made) == set()
    assert made.unmatched == [], "these cases are about nothing that is deployed"
    for role in ("cdh-ml-data-science-analysts", "cdh-ml-feature-analysts", "cdh-ml-principal-investigators"):
        seen = 0
        for table in ("abfm", "abfm_ra", "hypertension"):
            thing = made.deployed.thing(f"{table}.any")
            assert not reasons(made.deployed, f"{role}-premier", "read", thing), (role, table)
            seen += bool(reasons(made.deployed, f"{role}-abfm", "read", thing))
        assert not reasons(made.deployed, f"{role}-premier", "view", made.deployed.thing("job/hypertension_train"))
        assert reasons(made.deployed, f"{role}-premier", "view", made.deployed.thing("job/mortality_train"))
        assert not reasons(made.deployed, f"{role}-premier", "view", made.deployed.thing("endpoint/cdh-hypertension"))
        assert seen or stage == "prod" or "investigators" in role, "who sees nothing of its own proves nothing"


@EVERY
def test_a_right_too_many_for_a_premier_analyst_is_found(two_datasets, stage):
    catalogue, documents = two_datasets
    broken = copy.deepcopy(documents[stage])
    grants = broken["resource"]["databricks_grants"]["schema_abfm_ra"]["grant"]
    grants.append({"principal": "cdh-ml-feature-analysts-premier", "privileges": ["SELECT", "USE_SCHEMA"]})
    made = questions(read(broken, stage), catalogue)
    assert failures(made) == {
        ("cdh-ml-feature-analysts-premier", "use", f"schema/cdh_{stage}.abfm_ra"),
        ("cdh-ml-feature-analysts-premier", "read", f"table/cdh_{stage}.abfm_ra.any"),
    }


@EVERY
@pytest.mark.clause("O1")
def test_service_accounts_own_everything_that_can_be_owned(documents, stage):
    deployed = read(documents[stage], stage)
    for one in deployed.things.values():
        if one.kind in ("catalog", "schema", "volume", "model", "job"):
            owners = [able.principal for able in who_can(deployed, "own", one.key)]
            assert owners == ["sp-promote" if one.kind == "model" else "sp-deploy"], one.key


@pytest.mark.clause("P5")
def test_any_right_taken_or_given_is_noticed_by_a_case_or_by_the_record(documents, declared):
    made = score([asked(documents, declared, stage) for stage in documents], declared)
    assert sum(made.by.values()) > 10_000
    assert made.by["removed", "an allowed case"] > 500
    assert made.by["added", "a denied case"] > 500
    assert made.survivors == [], str(made)


def test_any_right_on_an_endpoint_taken_or_given_is_noticed_by_a_case(two_datasets):
    catalogue, documents = two_datasets
    made = score([asked(documents, catalogue, stage) for stage in documents], catalogue, "endpoint/")
    assert made.by["removed", "an allowed case"] == 3 * 2 * 7, "seven principals on each of two endpoints"
    assert made.by["added", "a denied case"] > 100
    assert made.survivors == [], str(made)


@pytest.mark.parametrize("kind", ["grants", "permissions", "secret_acl", "entitlements"])
def test_every_kind_of_resource_that_gives_a_right_is_read_with_nothing_left_out(documents, kind):
    for stage, document in documents.items():
        given = read(document, stage).given
        read_from = {by for of in given.values() for rights_of in of.values() for by in rights_of.values()}
        wanted = {f"databricks_{kind}.{name}" for name in document["resource"][f"databricks_{kind}"]}
        assert wanted <= read_from, stage


@EVERY
def test_everything_that_is_deployed_is_known_by_a_name_of_the_matrix(documents, declared, stage):
    sources = {one.source for one in declared.featurizations.values()}
    here = {name: [] for name in On.__members__}
    for key in (one for one in read(documents[stage], stage).things if not one.startswith("alert/")):
        here[thing(key, sources)].append(key)
    assert {name for name, keys in here.items() if not keys} == (
        {"ENDPOINT"} if stage == "dev" else {"ENDPOINT", "EXPLORATORY"}
    )
    assert len(here["CURATED"]) == len(here["FEATURES"]) == len(sources)
    assert len(here["MODEL_ZONE"]) == len(here["TRAIN"]) == len(here["EXPERIMENT"]) == len(declared.models)
    assert [len(here[one]) for one in ("STATUS", "ALERTS", "MONITORS", "FOLDER", "EXPORTS", "WORKSPACE")] == [1] * 6


def test_a_case_that_is_missing_lets_a_right_that_is_missing_survive(documents, declared):
    made = asked(documents, declared, "prod")
    forgotten = ("cdh-ml-data-managers", "write", "volume/cdh_prod.ml.landing")
    assert forgotten in made.allowed
    given = made.deployed.given["volume/cdh_prod.ml.landing"]["cdh-ml-data-managers"]
    del given["WRITE_VOLUME"]
    assert failures(made) == {forgotten}
    made.allowed.discard(forgotten)
    assert failures(made) == set()


@EVERY
@pytest.mark.clause("P5")
def test_the_stage_gives_what_the_jobs_of_a_demo_needed(documents, declared, stage):
    deployed = read(documents[stage], stage)
    assert unmet(deployed, declared) == set()
    model = f"model/cdh_{stage}.readmission.readmission"
    del deployed.given[model]["sp-train"]["CREATE_MODEL_VERSION"]
    assert unmet(deployed, declared) == {("sp-train", "CREATE_MODEL_VERSION", model)}


def test_each_right_of_a_service_principal_was_needed_in_a_demo_or_has_its_reason_or_no_demo_can_record_it():
    given = {
        (who.value, right, on.name)
        for one in MATRIX for who in one.who if isinstance(who, Principal)
        for on in one.on if on.name not in UNRECORDED for right in one.rights
    }  # fmt: skip
    unasked = {(who.value, right, on.name) for who, on, right in UNASKED}
    assert unasked <= given, "these are in no row of the matrix: take them out of infra/unasked.py"
    assert rights() == given - unasked


def test_the_record_names_principals_and_things_that_there_are():
    assert set(UNRECORDED) <= set(On.__members__)
    assert {(who, thing) for who, _, thing in rights()} <= {(who.value, on.name) for who in Principal for on in On}


@EVERY
def test_no_privilege_is_granted_that_does_not_exist_for_its_securable(documents, stage):
    for key, given in read(documents[stage], stage).given.items():
        for rights_of in given.values():
            if key.partition("/")[0] in DOCUMENTED:
                assert set(rights_of) <= DOCUMENTED[key.partition("/")[0]], key


def test_a_placeholder_of_a_case_means_only_what_its_reader_is_cleared_for(two_datasets):
    catalogue, _ = two_datasets
    assert patterns("table/{other}.any", ["premier"], catalogue) == {"table/abfm.any"}
    assert patterns("job/{model}_train", ["premier"], catalogue) == {"job/mortality_train"}
    assert patterns("job/{model}_train", [], catalogue) == set()
