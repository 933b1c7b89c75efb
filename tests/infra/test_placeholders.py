"""A placeholder of the inputs never reaches Azure: what is one, which stack it holds up, and that terraform refuses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from infra_documents import ROOT, unfilled

from infra import inputs
from infra.layers import STACKS
from infra.placeholders import FIELDS, LOOK_AT, is_placeholder, leaves, placeholders, refusal, stars

RAW = unfilled()


def real(path: tuple[str, ...], number: int) -> object:
    """A value of its own that an account may really have."""
    last = path[-1]
    if path[0] == "groups" or last == "workspace_id":
        return 4_100_000_000_000 + number
    named = {
        "alert_address": "mlops@agency.gov", "owner": "platform@agency.gov", "budget_from": "2027-01",
        "ci_issuer": "https://token.pipelines.agency.gov", "cost_center": "CC-4711", "location": "westus3",
        "name_suffix": "q7x", "ci_subject": f"repo:agency/ml:environment:{path[-2:][0]}", "network": f"10.{number}.0.0/20",
    }  # fmt: skip
    return named.get(last, f"7d3c9a10-{number:04d}-4b6e-9c11-5f0e2a9b8c7d")


def filled() -> dict:
    """The inputs with every value replaced."""
    read = json.loads(json.dumps(RAW))
    for number, (path, _) in enumerate(leaves(RAW)):
        *above, last = path
        part = read
        for key in above:
            part = part[key]
        part[last] = real(path, number)
    return read


def made(out, compute, declared, read: dict, stacks=STACKS) -> dict[str, str]:
    """The documents of stacks made from inputs."""
    from infra import delivery, layers, synth

    given, left = inputs.parse(json.dumps(read)), placeholders(read)
    app = synth.new_app(out)
    stages = [stage for name, stage in layers.WORKSPACE.items() if name in stacks]
    delivered = delivery.delivery(declared, compute)
    synth.add_stages(
        app, stages, catalogue=declared, clusters=compute, delivery=delivered, inputs=given, left=left
    )  # fmt: skip
    synth.add_azure(app, [stage for name, stage in layers.AZURE.items() if name in stacks], inputs=given, left=left)
    synth.add_account(app, [one.source for one in declared.featurizations.values()], inputs=given, left=left)
    app.synth()
    return {name: (out / "stacks" / name / "cdk.tf.json").read_text() for name in stacks}


@pytest.fixture(scope="module")
def real_documents(tmp_path_factory, compute, declared) -> tuple[dict, dict[str, str]]:
    """(inputs of an invented account, the seven documents made from them)."""
    read = filled()
    return read, made(tmp_path_factory.mktemp("real"), compute, declared, read)


@pytest.fixture(scope="module")
def refused_documents(tmp_path_factory, compute, declared) -> dict[str, dict]:
    """A document of each layer made from placeholders, whatever the committed inputs are."""
    stacks = ("azure-dev", "account", "dev")
    texts = made(tmp_path_factory.mktemp("placeholders"), compute, declared, RAW, stacks)
    return {name: json.loads(text) for name, text in texts.items()}


def known(path: tuple[str, ...]) -> list[str]:
    """The rows of both tables that speak of a path; a model that is live is looked at by the stack."""
    return [one for one in (*(field.path for field in FIELDS), *LOOK_AT) if stars(one, path) is not None]


def test_the_committed_inputs_are_valid_and_none_of_their_values_is_unknown():
    """Placeholders or filled in, or some of each: nobody fills all of it in one day."""
    read = json.loads(inputs.FILE.read_text(encoding="utf-8"))
    assert inputs.parse(json.dumps(read)) == inputs.load()
    paths = [path for path, _ in leaves(read) if path[2:3] != ("live",)]
    assert [path for path in paths if len(known(path)) != 1] == []
    others = {path for path, _ in leaves(RAW)}
    assert {path for path in paths if path[0] != "groups"} == {path for path in others if path[0] != "groups"}


def test_every_field_of_the_file_is_known_as_one_that_can_be_refused_or_one_to_look_at():
    for path, value in leaves(RAW):
        (row,) = known(path)
        assert is_placeholder(value) is (row not in LOOK_AT), (path, value)


def test_no_value_that_an_account_may_have_is_taken_for_a_placeholder():
    assert placeholders(filled()) == []
    # A subscription, a tenant and a client id as Azure makes them; twelve and more digits as Databricks does.
    for value in (
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
        1_234_567_890_123_456,
        "repo:agency/ml:environment:prod",
        "x1",
    ):
        assert not is_placeholder(value)


def test_the_table_says_of_each_field_which_documents_contain_it(real_documents):
    read, documents = real_documents
    for path, value in leaves(read):
        used = {name for name, text in documents.items() if str(value) in text}
        for field in FIELDS:
            if (given := stars(field.path, path)) is not None:
                assert set(field.stacks(given)) == used, path


def test_with_real_inputs_nothing_is_refused_and_no_placeholder_is_left_in_any_document(real_documents):
    _, documents = real_documents
    for name, text in documents.items():
        document = json.loads(text)
        assert "variable" not in document, name
        for sign in ("00000000-0000-", "cdh.example", "cdh0", "repo:example"):
            assert sign not in text, (name, sign)


@pytest.mark.parametrize("stack", STACKS)
def test_a_refusal_names_file_field_value_and_how_to_get_the_valid_one(stack):
    left = placeholders(RAW)
    mine = [one for one in left if stack in one.stacks]
    text = refusal(stack, left)
    assert text.startswith(f"infra/inputs.json: {stack}: {mine[0].path} = {mine[0].value!r} is a placeholder; valid: ")
    assert mine[0].how in text
    assert f"; {len(mine) - 1} more. All of them: mlops doctor --azure" in text
    assert refusal(stack, [one for one in left if stack not in one.stacks]) is None
    assert refusal(stack, mine[:1]).count("more") == 0


def plan(folder, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["terraform", "plan", "-input=false", "-no-color"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["azure-dev", "account", "dev"])
def test_terraform_itself_refuses_a_document_with_a_placeholder_before_it_plans_anything(
    tmp_path, refused_documents, name
):
    """The variable of the real document; the rest is left out, since no provider is there to be asked."""
    document = refused_documents[name]
    (tmp_path / "cdk.tf.json").write_text(json.dumps({"variable": document["variable"], "output": {"a": {"value": 1}}}))
    if shutil.which("terraform") is None:
        pytest.fail("terraform is a prerequisite")
    subprocess.run(["terraform", "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    refused = plan(tmp_path)
    told = " ".join(refused.stderr.replace("│", " ").split())
    assert refused.returncode == 1
    assert f"infra/inputs.json: {name}: " in told
    assert "is a placeholder; valid: " in told
    assert "mlops doctor --azure" in told
    assert plan(tmp_path, TF_VAR_sandbox="true").returncode == 0


def test_only_the_sandbox_says_that_it_is_one(tmp_path):
    from sandbox.terraform import Terraform

    assert Terraform(tmp_path, ROOT).environment()["TF_VAR_sandbox"] == "true"
    assert "TF_VAR_sandbox" not in os.environ
    for top in ("infra", "jobs", "cli", "workflows"):
        for path in (ROOT / top).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "TF_VAR_sandbox" not in text or path.name == "guard.py", path
