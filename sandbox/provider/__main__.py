"""``python -m sandbox.provider``: started by terraform through the shim that ``sandbox.terraform`` writes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Serve; refuse politely when a person starts it."""
    if "TF_PLUGIN_MAGIC_COOKIE" not in os.environ:
        print("This is terraform's provider process of the sandbox; `mlops deploy dev` starts it.", file=sys.stderr)
        return 2
    from sandbox.provider.registry import PROVIDERS
    from sandbox.provider.server import serve
    from sandbox.provider.servicer import Servicer, Settings

    home = os.environ.get("MLOPS_SANDBOX")
    cache = os.environ.get("MLOPS_CACHE") or str(Path(tempfile.gettempdir()) / "mlops-cache")
    name = sys.argv[1] if len(sys.argv) > 1 else "databricks"
    serve(Servicer(Settings(home=Path(home) if home else None, cache=Path(cache)), PROVIDERS[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
