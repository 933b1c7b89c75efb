"""The stages as synthesised: once a session for the project, once more for two invented models."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import pytest
from infra_documents import LIVE, ROOT, Document, before_live, invented_model

from infra import clusters, delivery, inputs
from infra.placeholders import placeholders
from infra.stages import STAGES, StageName
from workflows.declare import Batch, Featurization, Online
from workflows.discover import Catalogue, discover

# What is imported so far starts no Node process; jsii asks for this when it does.
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write the golden files again")


@pytest.fixture
def project(tmp_path):
    """A copy of what `python -m infra` reads."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("workflows", "jobs", "clusters", "policies"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


@pytest.fixture(scope="session")
def compute():
    return clusters.load(ROOT)


@pytest.fixture(scope="session")
def declared(compute) -> Catalogue:
    return discover(clusters=compute)


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory, compute):
    """(catalogue, stages, inputs) -> the document of each stage; without inputs no model is live."""

    def run(catalogue: Catalogue, stages=None, given=None, destroyed=()) -> dict[str, Document]:
        from infra import synth

        stages = list(STAGES.values()) if stages is None else stages
        out = tmp_path_factory.mktemp("cdktf")
        app = synth.new_app(out)
        synth.add_stages(
            app,
            stages,
            catalogue=catalogue,
            clusters=compute,
            delivery=delivery.delivery(catalogue, compute),
            inputs=given or before_live(),
            left=placeholders(),
            destroyed=destroyed,
        )
        app.synth()
        return {s.name.value: json.loads((out / "stacks" / s.name / "cdk.tf.json").read_text()) for s in stages}

    return run


@pytest.fixture(scope="session")
def documents(synthesised, declared) -> dict[str, Document]:
    """The project's three stages, with the models that are live."""
    return synthesised(declared, given=inputs.load())


@pytest.fixture(scope="session")
def documents_before_live(documents, synthesised, declared) -> dict[str, Document]:
    """The project's three stages before the first model is live."""
    return documents if inputs.load() == before_live() else synthesised(declared)


@pytest.fixture(scope="session")
def invented() -> Catalogue:
    """Two models on one source, known to this test only."""
    models = {name: invented_model(name) for name in ("alpha", "beta")}
    return Catalogue({}, {"facts": Featurization(name="facts", source="invented", cluster="ml_cpu")}, models, {})


@pytest.fixture(scope="session")
def invented_dev(synthesised, invented) -> Document:
    return synthesised(invented, [STAGES["dev"]])["dev"]


@pytest.fixture(scope="session")
def live_models(invented, declared) -> Catalogue:
    """alpha answers online as well, beta only online, gamma only in batches; all three are live."""
    serve = {"alpha": [Batch(), Online("Large", idle=False)], "beta": [Online()], "gamma": [Batch("weekly")]}
    source = replace(declared.sources["synthetic_omop"], name="invented")
    made = {name: replace(invented_model(name), serve=serve[name]) for name in LIVE}
    return replace(invented, sources={"invented": source}, models=made)


@pytest.fixture(scope="session")
def live(synthesised, live_models) -> dict[str, Document]:
    """The three stages with three live models."""
    given = replace(inputs.load(), live={name: {"alpha": 3, "beta": 1, "gamma": 2} for name in StageName})
    return synthesised(live_models, None, given)


@pytest.fixture(scope="session")
def azure_synthesised(tmp_path_factory):
    """(stages, inputs) -> the document of the Azure stack of each stage."""

    def run(stages=None, given=None) -> dict[str, Document]:
        from infra import synth

        stages = list(STAGES.values()) if stages is None else stages
        out = tmp_path_factory.mktemp("azure")
        app = synth.new_app(out)
        synth.add_azure(app, stages, inputs=given or inputs.load(), left=placeholders())
        app.synth()
        return {
            s.name.value: json.loads((out / "stacks" / f"azure-{s.name}" / "cdk.tf.json").read_text()) for s in stages
        }

    return run


@pytest.fixture(scope="session")
def azure_documents(azure_synthesised) -> dict[str, Document]:
    """The project's three Azure stacks, by stage."""
    return azure_synthesised()


@pytest.fixture(scope="session")
def account_document(tmp_path_factory, declared) -> Document:
    """The project's one account stack."""
    from infra import synth

    out = tmp_path_factory.mktemp("account")
    app = synth.new_app(out)
    sources = [one.source for one in declared.featurizations.values()]
    synth.add_account(app, sources, inputs=inputs.load(), left=placeholders())
    app.synth()
    return json.loads((out / "stacks" / "account" / "cdk.tf.json").read_text())
