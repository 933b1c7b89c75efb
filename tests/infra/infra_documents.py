"""Reads synthesised documents and the seed; invents a model."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra import inputs
from infra.inputs import Inputs
from infra.stages import StageName
from workflows.declare import AtLeast, Demographics, InpatientStays, LogisticRegression, Model, Recorded
from workflows.discover import Catalogue

ROOT = Path(__file__).parents[2]
SEED = ROOT.parent / "shared" / "seed" / "cdh_mlops_readme.md"
Document = dict
# The inputs as nobody has filled them in; the committed file may be filled.
PLACEHOLDERS = Path(__file__).with_name("inputs.json")
LIVE = ("alpha", "beta", "gamma")


def unfilled() -> dict[str, Any]:
    """The inputs of nobody's account, with a number for each group that the committed file has beside."""
    read: dict[str, Any] = json.loads(PLACEHOLDERS.read_text(encoding="utf-8"))
    numbers = count(max(read["groups"].values()) + 1)
    there = json.loads(inputs.FILE.read_text(encoding="utf-8"))["groups"]
    read["groups"] |= {name: next(numbers) for name in sorted(there) if name not in read["groups"]}
    return read


def before_live() -> Inputs:
    """The committed inputs as they are before the first model is live: an invented catalogue has none of those."""
    return replace(inputs.load(), live={name: {} for name in StageName})


def invented_model(name: str) -> Model:
    return Model(
        name=name,
        question="Does it change only what it should?",
        source="invented",
        cohort=InpatientStays(),
        outcome=Recorded("readmitted", equals="<30"),
        features=[Demographics()],
        method=LogisticRegression(),
        cluster="ml_cpu",
        gates=[AtLeast("auroc", 0.6)],
    )


def seed() -> str:
    """Its words only: links keep their text, emphasis and line ends go."""
    if not SEED.is_file():
        pytest.skip(f"the seed is not at {SEED}")
    return re.sub(r"\s+", " ", re.sub(r"[*`\[\]]|\(\./[^)]*\)", "", SEED.read_text(encoding="utf-8")))


def addresses(document: Document) -> dict[str, dict]:
    """Every resource by its terraform address, without the metadata cdktf adds."""
    return {
        f"{kind}.{name}": {key: value for key, value in body.items() if key != "//"}
        for kind, some in document["resource"].items()
        for name, body in some.items()
    }


def of_kind(document: Document, kind: str) -> dict[str, dict]:
    return {
        address.split(".")[1]: body for address, body in addresses(document).items() if address.startswith(f"{kind}.")
    }


def with_model(catalogue: Catalogue, model: Model) -> Catalogue:
    return replace(catalogue, models=dict(sorted({**catalogue.models, model.name: model}.items())))


def levels(document: Document, name: str) -> dict[str, str]:
    """Permissions of one object by who has them."""
    (body,) = [one for key, one in of_kind(document, "databricks_permissions").items() if key == name]
    return {
        one.get("group_name") or one["service_principal_name"].split(".")[1]: one["permission_level"]
        for one in body["access_control"]
    }
