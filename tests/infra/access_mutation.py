"""Every right taken and every other given, one at a time, in each synthesized stage: `python -m infra` and then

    python tests/infra/access_mutation.py [cdktf.out]

prints how many of them the people's cases and the record of the demo notice, and each that nothing notices.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from access_questions import Mutant, Questions, killed_by, mutants, questions  # noqa: E402
from needed_rights import rights, thing  # noqa: E402

from review.deployed import Deployed, read  # noqa: E402
from workflows.discover import Catalogue, discover  # noqa: E402

# Databricks: privilege types by securable object in Unity Catalog.
DOCUMENTED = {
    "catalog": {"APPLY_TAG", "BROWSE", "CREATE_FUNCTION", "CREATE_MATERIALIZED_VIEW", "CREATE_MODEL", "CREATE_MODEL_VERSION",
                "CREATE_SCHEMA", "CREATE_TABLE", "CREATE_VOLUME", "EXECUTE", "EXTERNAL_USE_SCHEMA", "MANAGE", "MODIFY",
                "READ_VOLUME", "REFRESH", "SELECT", "USE_CATALOG", "USE_SCHEMA", "WRITE_VOLUME"},
    "schema": {"APPLY_TAG", "CREATE_FUNCTION", "CREATE_MATERIALIZED_VIEW", "CREATE_MODEL", "CREATE_MODEL_VERSION",
               "CREATE_TABLE", "CREATE_VOLUME", "EXECUTE", "EXTERNAL_USE_SCHEMA", "MANAGE", "MODIFY", "READ_VOLUME",
               "REFRESH", "SELECT", "USE_SCHEMA", "WRITE_VOLUME"},
    "volume": {"APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"},
    "model": {"APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE", "MANAGE"},
    "external_location": {"BROWSE", "CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_FOREIGN_SECURABLE",
                          "CREATE_MANAGED_STORAGE", "EXTERNAL_USE_LOCATION", "MANAGE", "READ_FILES", "WRITE_FILES"},
    "storage_credential": {"CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "MANAGE", "READ_FILES", "WRITE_FILES"},
    # No securable but granted all the same: the entitlements that the provider documents.
    "workspace": {"allow_cluster_create", "allow_instance_pool_create", "databricks_sql_access", "workspace_access",
                  "workspace_consume"},
}  # fmt: skip


def unmet(deployed: Deployed, catalogue: Catalogue, key: str | None = None) -> set[tuple[str, str, str]]:
    """(principal, right, key) that the record asks of a stage, or of one thing of it, and that is not given."""
    sources = {one.source for one in catalogue.featurizations.values()}
    return {
        (who, right, one)
        for one in ([key] if key else deployed.given)
        for who, right, place in rights()
        if thing(one, sources) == place and right not in deployed.given[one].get(who, {})
    }


@dataclass
class Score:
    """by: (how, what noticed it) -> mutants. replayed: taken rights that the demo's record alone notices too."""

    by: Counter[tuple[str, str]] = field(default_factory=Counter)
    replayed: int = 0
    survivors: list[tuple[str, Mutant]] = field(default_factory=list)

    def __str__(self) -> str:
        total, alive = sum(self.by.values()), len(self.survivors)
        told = [f"{total - alive} of {total} noticed, {alive} survive; {self.replayed} of the taken by the record too"]
        told += [f"  {how:<8} {what or 'SURVIVES':<22} {count}" for (how, what), count in sorted(self.by.items())]
        return "\n".join(told + [f"  {stage}: {one}" for stage, one in self.survivors])


def score(stages: Iterable[Questions], catalogue: Catalogue, only: str = "") -> Score:
    """All mutants of all stages; only: of this kind of thing."""
    made = Score()
    for asked in stages:
        for one in (one for one in mutants(asked, DOCUMENTED) if one.key.startswith(only)):
            what = killed_by(asked, one)
            if one.how == "removed" and missed(asked, one, catalogue):
                made.replayed += 1
                what = what or "the record"
            made.by[one.how, what] += 1
            if not what:
                made.survivors.append((asked.deployed.stage, one))
    return made


def missed(asked: Questions, mutant: Mutant, catalogue: Catalogue) -> bool:
    """Whether the record's replay fails without a right."""
    given = asked.deployed.given[mutant.key]
    kept = given[mutant.principal]
    given[mutant.principal] = {right: by for right, by in kept.items() if right != mutant.right}
    try:
        return bool(unmet(asked.deployed, catalogue, mutant.key))
    finally:
        given[mutant.principal] = kept


def main(out: Path) -> int:
    """Print the score of what is synthesized."""
    from infra import clusters

    catalogue = discover(ROOT / "workflows", clusters=clusters.load(ROOT))
    stages = [
        questions(read(json.loads((out / "stacks" / name / "cdk.tf.json").read_text()), name), catalogue)
        for name in ("dev", "validation", "prod")
    ]
    made = score(stages, catalogue)
    print(made)
    return 1 if made.survivors else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "cdktf.out"))
