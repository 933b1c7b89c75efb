"""Where everything runs: stages, roles, zones, names, constructs and stacks.

The package of the databricks binding imports its 136 modules eagerly, which takes seconds. Before anything of it is
imported, a parent module without that code is registered, so that only the submodules `infra.providers` names load.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType


def register_light_parent(package: str) -> None:
    """Put an empty parent module for `package` in place, unless the real one is loaded already."""
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not installed; install requirements.txt", name=package)
    module = ModuleType(package, f"Parent of the submodules of {package}, without its eager imports.")
    module.__spec__, module.__file__ = spec, spec.origin
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = module


register_light_parent("cdktf_cdktf_provider_databricks")
