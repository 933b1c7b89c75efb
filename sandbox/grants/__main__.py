"""`python -m sandbox.grants .sandbox/WORKSPACE`: what each grant of a service principal was needed for."""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox.grants.replay import table
from sandbox.workspace import Workspace

if __name__ == "__main__":
    print("\n".join(table(Workspace(Path(sys.argv[1])))))
