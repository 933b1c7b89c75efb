"""The composition root: `python -m infra`, which cdktf calls too. Delivers to `dist`, then writes the three stages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(root: Path = ROOT) -> int:
    """Exit status: 0, or 1 with one line that says what is wrong with a declaration, an input or a name.

    root: the project's folder, with `workflows`, `jobs`, `clusters` and `policies`.
    """
    # A list of the major versions of Node that jsii shall keep quiet about; "1", which many set, silences nothing.
    silenced = "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"
    os.environ[silenced] = f"{os.environ.get(silenced, '')},20"
    from infra import clusters, delivery, inputs
    from infra.names import AddressError
    from workflows.discover import discover
    from workflows.errors import DeclarationError

    outdir = Path(os.environ.get("CDKTF_OUTDIR") or root / "cdktf.out").resolve()
    try:
        known = clusters.load(root)
        catalogue = discover(root / "workflows", known)
        read = inputs.load()
        delivered = delivery.delivery(catalogue, known, root)
        delivery.write(delivered, root / "dist", root)
        # Imported once all is known to be right: this starts jsii's Node process.
        from infra.synth import synth

        dist = Path(os.path.relpath(root / "dist", outdir / "stacks" / "stage")).as_posix()
        synth(outdir, catalogue=catalogue, clusters=known, delivery=delivered, inputs=read, dist=dist)
    except (AddressError, DeclarationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
