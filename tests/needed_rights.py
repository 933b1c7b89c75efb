"""What the jobs of a whole demo needed of the grants of service principals, as the sandbox's record has it.

(principal, right) -> the things, as `infra.roles.On` names them. `tests/demo/test_grants.py` compares this with the
record of a real demo, so it cannot rot; `tests/infra/test_access_mutation.py` asks it of every synthesized stage.
"""

from __future__ import annotations

from collections.abc import Iterable

# fmt: off
NEEDED: dict[tuple[str, str], tuple[str, ...]] = {
    ("sp-featurize", "CREATE_TABLE"): ("FEATURES", "ML", "MODEL_ZONE"),
    ("sp-featurize", "READ_VOLUME"): ("ARTIFACTS",),
    ("sp-featurize", "SELECT"): ("CURATED",),
    ("sp-featurize", "USE_CATALOG"): ("CATALOG",),
    ("sp-featurize", "USE_SCHEMA"): ("CURATED", "FEATURES", "ML", "MODEL_ZONE"),
    ("sp-promote", "CAN_READ"): ("EXPERIMENT",),
    ("sp-promote", "MODIFY"): ("ML", "MODEL_ZONE"),
    ("sp-promote", "READ_VOLUME"): ("ARTIFACTS",),
    ("sp-promote", "SELECT"): ("ML", "MODEL_ZONE"),
    ("sp-promote", "USE_CATALOG"): ("CATALOG",),
    ("sp-promote", "USE_SCHEMA"): ("ML", "MODEL_ZONE"),
    ("sp-serve", "CAN_MANAGE_RUN"): ("RETRAIN",),
    ("sp-serve", "CAN_READ"): ("EXPERIMENT",),
    ("sp-serve", "CREATE_TABLE"): ("MODEL_ZONE",),
    ("sp-serve", "EXECUTE"): ("REGISTERED_MODEL",),
    ("sp-serve", "MODIFY"): ("ML",),
    ("sp-serve", "READ_VOLUME"): ("ARTIFACTS",),
    ("sp-serve", "SELECT"): ("FEATURES", "ML", "MODEL_ZONE"),
    ("sp-serve", "USE_CATALOG"): ("CATALOG",),
    ("sp-serve", "USE_SCHEMA"): ("FEATURES", "ML", "MODEL_ZONE"),
    ("sp-train", "APPLY_TAG"): ("REGISTERED_MODEL",),
    ("sp-train", "CAN_EDIT"): ("EXPERIMENT", "VALIDATION_EXPERIMENT"),
    ("sp-train", "CAN_MANAGE_RUN"): ("TRAIN",),
    ("sp-train", "CREATE_MODEL_VERSION"): ("REGISTERED_MODEL",),
    ("sp-train", "CREATE_TABLE"): ("ML", "MODEL_ZONE"),
    ("sp-train", "EXECUTE"): ("REGISTERED_MODEL",),
    ("sp-train", "MODIFY"): ("ML",),
    ("sp-train", "READ_VOLUME"): ("ARTIFACTS",),
    ("sp-train", "SELECT"): ("FEATURES", "ML", "MODEL_ZONE"),
    ("sp-train", "USE_CATALOG"): ("CATALOG",),
    ("sp-train", "USE_SCHEMA"): ("FEATURES", "ML", "MODEL_ZONE"),
}
# fmt: on
# What no demo can record: the sandbox checks nothing on these, and the people's cases alone speak of them.
UNRECORDED = ("DASHBOARD", "ENDPOINT", "POLICY", "SECRETS", "WAREHOUSE")
_FOLDERS = {"platform-status": "STATUS", "platform-alerts": "ALERTS", "quality-monitors": "MONITORS"}
_NAMED = {
    "catalog": "CATALOG", "cluster-policy": "POLICY", "dashboard": "DASHBOARD", "endpoint": "ENDPOINT",
    "external_location": "LOCATION", "model": "REGISTERED_MODEL", "secret-scope": "SECRETS",
    "storage_credential": "CREDENTIAL", "warehouse": "WAREHOUSE", "workspace": "WORKSPACE",
}  # fmt: skip


def rights() -> set[tuple[str, str, str]]:
    """(principal, right, thing)."""
    return {(who, right, thing) for (who, right), things in NEEDED.items() for thing in things}


def thing(securable: str, sources: Iterable[str]) -> str:
    """What `infra.roles.On` calls a thing such as ``schema/cdh_dev.ml``, told by its name alone."""
    kind, _, name = securable.partition("/")
    last = name.rpartition("/")[2].rpartition(".")[2]
    if kind == "schema":
        zones = {"ml": "ML", "reference": "REFERENCE"}
        for source in sources:
            zones |= {source: "CURATED", f"{source}_ra": "FEATURES", f"{source}_exploratory": "EXPLORATORY"}
        return zones.get(last, "MODEL_ZONE")
    if kind == "experiment":
        return "VALIDATION_EXPERIMENT" if last.endswith("_validation") else "EXPERIMENT"
    if kind in ("job", "volume"):
        return last.rpartition("_")[2].upper()
    return _FOLDERS.get(last, "FOLDER") if kind == "directory" else _NAMED.get(kind, kind.upper())
