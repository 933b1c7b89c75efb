"""`docs/access.md`: the matrix of `infra.roles` as a page, made by `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.roles import BY_DATASET, MATRIX, OWNER_LEVEL, READS_RECORDS, Principal, Role, Row, access
from infra.stages import STAGES, StageName

PAGE = Path(__file__).parents[1] / "docs" / "access.md"
HEAD = """# Who may do what
<!-- made from `infra/roles.py` by `make docs` -->
Each row is one of the matrix, with the sentence of the seed it comes from. Ownership is no grant: `sp-deploy` owns
catalogs, schemas, volumes and jobs, `sp-promote` the registered models. What is deployed, object by object:
`mlops who-can STAGE VERB OBJECT` and `mlops what-can STAGE ROLE`, which read the synthesized JSON and not this page.
How it is proved: `tests/infra/access_cases*.py` (the people's cases) and `tests/infra/access_mutation.py` (each right
taken, each other given). A catalog that another stage's promotion reads is bound to that stage's workspace read-only.
"""


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *_who(), *_rows(), *_things()])


def _who() -> list[str]:
    told = ["## Who", "| role | group | sees persons of |", "|---|---|---|"]
    for one in Role:
        whose = "the datasets it is cleared for: a group each" if one in BY_DATASET else "by the rows below"
        told.append(f"| {one.name} | `{one.value}` | {whose} |")
    return [*told, ""]


def _rows() -> list[str]:
    told = ["## The matrix", "| who | on | rights | stages | because |", "|---|---|---|---|---|"]
    return [*told, *(_row(one) for one in MATRIX), ""]


def _row(one: Row) -> str:
    who = ", ".join(name.name if isinstance(name, Role) else name.value for name in one.who)
    on = ", ".join(thing.value[0] for thing in one.on)
    stages = "all" if len(one.stages) == len(StageName) else ", ".join(n.value for n in StageName if n in one.stages)
    rights = ", ".join("owner level" if right == OWNER_LEVEL else f"`{right}`" for right in one.rights)
    return f"| {who} | {on} | {rights} | {stages} | {one.because} |"


def _things() -> list[str]:
    """Thing by thing and stage by stage, every principal: what a reviewer compares with the plan."""
    roles = {one.value: one.name for one in Role}
    things = list(dict.fromkeys(thing for one in MATRIX for thing in one.on))
    told = ["## Thing by thing"]
    for stage in STAGES.values():
        told += ["", f"### {stage.name.value}", "| thing | kind | who: rights |", "|---|---|---|"]
        for thing in things:
            given = [
                f"{one.principal.value if isinstance(one.principal, Principal) else roles[one.principal]}: "
                f"{', '.join(one.rights)}"
                for one in access(thing, stage)
            ]
            given += [
                f"{Principal.PROMOTE.value} of {reader.value}: {', '.join(READS_RECORDS[thing])}"
                for reader in stage.read_by
                if thing in READS_RECORDS
            ]
            if given:
                told.append(f"| {thing.value[0]} | {thing.securable} | {'; '.join(given)} |")
    return [*told, ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"docs/{PAGE.name} written", file=sys.stderr)
