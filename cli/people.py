"""The invented people of a sandbox: who may be asked for to see with their eyes."""

from __future__ import annotations

from infra.names import group
from infra.roles import BY_DATASET, Role
from sandbox.rest.tokens import Person
from sandbox.workspace import Workspace


def people(workspace: Workspace) -> list[Person]:
    """One invented user a role, and one for each part of a role that may see a source's persons.

    The parts are the groups that the stored grants name: a group of a dataset is a member of its role's group.
    """
    named = {
        str(one["principal"]) for item in workspace.store.list("databricks_grants") for one in item.body["grant"] or []
    }
    found = []
    for role in Role:
        found.append(Person(f"{role.name.lower()}@cdh.example", (group(role.value),)))
        for part in sorted(named) if role in BY_DATASET else ():
            if part.startswith(f"{role.value}-"):
                dataset = part.removeprefix(f"{role.value}-")
                found.append(Person(f"{role.name.lower()}-{dataset}@cdh.example", (role.value, part)))
    return found
