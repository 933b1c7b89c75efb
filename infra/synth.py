"""From declarations to `cdk.tf.json`: no credentials, network, git or clock, and the same bytes each time.

The layers are added by functions of their own, each of which imports its provider: who asks for one layer does
not pay for the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from cdktf import App

from infra import layers, retirement
from infra.clusters import Cluster
from infra.delivery import Delivery
from infra.inputs import Inputs
from infra.lint import rules
from infra.placeholders import Placeholder
from infra.stages import Stage
from workflows.discover import Catalogue

# Where `dist` lies, seen from the folder of a stack below the project's own cdktf.out.
DIST = "../../../dist"


def new_app(outdir: Path) -> App:
    """An app that writes below `outdir`; cdktf makes the folder itself, but not those above it."""
    outdir.mkdir(parents=True, exist_ok=True)
    return App(outdir=str(outdir))


def add_stages(app: App, stages: Iterable[Stage], *, catalogue: Catalogue, clusters: Mapping[str, Cluster],
               delivery: Delivery, inputs: Inputs, left: list[Placeholder], dist: str = DIST,
               destroyed: Collection[str] = ()) -> None:  # fmt: skip
    """The workspace layer of `stages`. dist: path of the delivered files, relative to a stack's folder.

    left: the placeholders in the inputs. destroyed: retired declarations whose data shall go, too.
    """
    from infra.constructs.guard import refuse_placeholders
    from infra.stacks.stage import StageStack

    for stage in stages:
        made = StageStack(
            app, stage=stage, catalogue=catalogue, clusters=clusters, delivery=delivery, inputs=inputs, dist=dist,
            destroyed=destroyed,
        )  # fmt: skip
        refuse_placeholders(made, left)


def add_azure(app: App, stages: Iterable[Stage], *, inputs: Inputs, left: list[Placeholder]) -> None:
    """The Azure layer of `stages`."""
    from infra.azure.stack import AzureStack
    from infra.constructs.guard import refuse_placeholders

    for stage in stages:
        refuse_placeholders(AzureStack(app, stage=stage, inputs=inputs), left)


def add_account(app: App, sources: Iterable[str], *, inputs: Inputs, left: list[Placeholder]) -> None:
    """The account's layer. sources: those whose groups are let into the workspaces."""
    from infra.constructs.guard import refuse_placeholders
    from infra.stacks.account import AccountStack

    refuse_placeholders(AccountStack(app, sources=sources, inputs=inputs), left)


def refuse_unsafe(outdir: Path, stacks: Iterable[str]) -> None:
    """Raise if what was written for an Azure stack breaks one of the layer's rules."""
    from infra.azure import safety

    for name in stacks:
        safety.refuse(written(outdir, name), layers.AZURE[name])


def lint(outdir: Path, stacks: Iterable[str]) -> None:
    """Raise if what was written for a stack breaks a rule of `infra.lint`."""
    for name in stacks:
        rules.refuse(written(outdir, name), name)


def refuse_lost(outdir: Path, stages: Iterable[Stage], catalogue: Catalogue, destroyed: Collection[str] = ()) -> None:
    """Raise if what was written for a stage that keeps its data lacks something that holds data."""
    for stage in stages:
        if stage.keep_data:
            known = retirement.listed().get(stage.name.value, [])
            going = retirement.going(catalogue, stage, destroyed)
            retirement.refuse_lost(written(outdir, stage.name.value), stage, known, going)


def written(outdir: Path, name: str) -> dict[str, Any]:
    """What was written for a stack."""
    read: dict[str, Any] = json.loads((outdir / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8"))
    return read
