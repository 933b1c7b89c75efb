"""`python -m sandbox.grants .sandbox/WORKSPACE`: what each grant of a service principal was needed for."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.grants.replay import table
from sandbox.workspace import Workspace


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.grants", description=__doc__)
    parser.add_argument("workspace", type=Path, help="the folder of a workspace, such as .sandbox/dbw-cdh-dev")
    workspace = Workspace(parser.parse_args().workspace)
    if not workspace.exists:
        # Opening its store would make one.
        folders = (workspace.root, workspace.root.parent)
        there = sorted({str(one.parent) for folder in folders for one in folder.glob(f"*/{workspace.database.name}")})
        parser.error(f"{workspace.root} is no workspace; valid: {', '.join(there) or 'none, as nothing is deployed'}")
    print("\n".join(table(workspace)))


if __name__ == "__main__":
    main()
