"""From declarations to `cdk.tf.json`: no credentials, network, git or clock, and the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cdktf import App

from infra.clusters import Cluster
from infra.delivery import Delivery
from infra.inputs import Inputs
from infra.stacks.stage import StageStack
from infra.stages import STAGES
from workflows.discover import Catalogue

# Where `dist` lies, seen from the folder of a stack below the project's own cdktf.out.
DIST = "../../../dist"


def synth(outdir: Path, *, catalogue: Catalogue, clusters: Mapping[str, Cluster], delivery: Delivery, inputs: Inputs,
          dist: str = DIST) -> App:  # fmt: skip
    """Write the three stages below `outdir`. dist: path of the delivered files, relative to a stack's folder."""
    # cdktf makes the folder itself, but not those above it.
    outdir.mkdir(parents=True, exist_ok=True)
    app = App(outdir=str(outdir))
    for stage in STAGES.values():
        StageStack(
            app, stage=stage, catalogue=catalogue, clusters=clusters, delivery=delivery, inputs=inputs, dist=dist
        )
    app.synth()
    return app
