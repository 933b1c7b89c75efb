"""Which groups of one breakdown may be described, so that no figure of 1 to 10 persons is left for subtraction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jobs.disclosure import few

# How many persons of a group are of each class, such as: without a value, with 0, with 1.
Classes = Mapping[str, int]


def kept_back(groups: Mapping[str, Classes], forced: Collection[str] = (), whole: Classes | None = None) -> set[str]:
    """The groups that must not be described beside the whole.

    whole: of all groups together, fewer than their sum where persons stand in several. Otherwise the groups share no
    person, or are treated so. A group with 1 to 10 persons of a class is kept back. Whoever knows
    the whole knows all groups that are kept back together: so there are two or more of them, and together they have
    no class of 1 to 10 persons; where it is not so, the smallest group that is left joins them. forced: groups that
    are kept back for another reason.
    """
    sizes = {name: sum(classes.values()) for name, classes in groups.items()}
    hidden = {name for name, classes in groups.items() if few(*classes.values())}
    hidden |= set(forced)
    several = {name: sum(classes.get(name, 0) for classes in groups.values()) - n for name, n in (whole or {}).items()}
    rest = sorted((name for name in groups if name not in hidden), key=lambda name: (sizes[name], name))
    while rest and (exposed([groups[name] for name in hidden]) if hidden else few(*several.values())):
        hidden.add(rest.pop(0))
    return hidden


def exposed(hidden: Collection[Classes]) -> bool:
    """Whether what is kept back is known from the rest: one group alone, or few persons of a class in all."""
    together: dict[str, int] = {}
    for classes in hidden:
        for name, count in classes.items():
            together[name] = together.get(name, 0) + count
    return len(hidden) == 1 or few(*together.values())
