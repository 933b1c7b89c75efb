"""The composition root: `python -m infra [stack ...]`, which cdktf calls too, without a stack: then all are written.

The stacks of the workspace layer deliver to `dist` first; those of the Azure layer need nothing but the inputs, and
the account's needs to know which sources there are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.clusters import Cluster
    from infra.delivery import Delivery
    from workflows.discover import Catalogue

ROOT = Path(__file__).parents[1]


def main(root: Path = ROOT, wanted: Sequence[str] = ()) -> int:
    """Exit status: 0, or 1 with one line that says what is wrong with a declaration, an input or a name.

    root: the project's folder, with `workflows`, `jobs`, `clusters` and `policies`. wanted: stacks; none means all.
    """
    # A list of the major versions of Node that jsii shall keep quiet about; "1", which many set, silences nothing.
    silenced = "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"
    os.environ[silenced] = f"{os.environ.get(silenced, '')},20"
    from infra import inputs, layers, retirement
    from infra.names import AddressError
    from infra.placeholders import placeholders
    from workflows.errors import DeclarationError

    destroyed = [name for name in os.environ.get(retirement.KEY, "").split(",") if name]
    outdir = Path(os.environ.get("CDKTF_OUTDIR") or root / "cdktf.out").resolve()
    try:
        stacks = layers.chosen(wanted)
        stages = [layers.WORKSPACE[name] for name in stacks if name in layers.WORKSPACE]
        azure = [name for name in stacks if name in layers.AZURE]
        read = inputs.load()
        account = layers.ACCOUNT in stacks
        prepared = prepare(root) if stages or account else None
        left = placeholders()
        # Imported once all is known to be right: this starts jsii's Node process.
        from infra import synth

        app = synth.new_app(outdir)
        if prepared is not None:
            catalogue, known, delivered = prepared
            dist = Path(os.path.relpath(root / "dist", outdir / "stacks" / "stage")).as_posix()
            synth.add_stages(
                app, stages, catalogue=catalogue, clusters=known, delivery=delivered, inputs=read, left=left, dist=dist,
                destroyed=destroyed,
            )  # fmt: skip
            if account:
                sources = (one.source for one in catalogue.featurizations.values())
                synth.add_account(app, sources, inputs=read, left=left)
        if azure:
            synth.add_azure(app, [layers.AZURE[name] for name in azure], inputs=read, left=left)
        app.synth()
        synth.lint(outdir, stacks)
        synth.refuse_unsafe(outdir, azure)
        if prepared is not None:
            synth.refuse_lost(outdir, stages, prepared[0], destroyed)
    except (AddressError, DeclarationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(root: Path) -> tuple[Catalogue, Mapping[str, Cluster], Delivery]:
    """What the workspace layer is made of, checked, and delivered to `dist`."""
    from infra import clusters, delivery
    from workflows.discover import discover

    known = clusters.load(root)
    catalogue = discover(root / "workflows", clusters=known)
    clusters.refuse_lacking(catalogue.models.values(), known, catalogue.files)
    delivered = delivery.delivery(catalogue, known, root)
    delivery.write(delivered, root / "dist", root)
    return catalogue, known, delivered


if __name__ == "__main__":
    sys.exit(main(wanted=sys.argv[1:]))
