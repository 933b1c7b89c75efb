"""Tags of a model version that are longer than Unity Catalog takes: a text in several tags, and back.

"The maximum length of a tag value is 1000 characters" (Databricks, "Apply tags to Unity Catalog securable objects").
Every part but the last has just so many; so a shorter text that replaces a longer one needs nothing taken away.
"""

from __future__ import annotations

from collections.abc import Mapping

# Not proved here: that Unity Catalog takes the tags of a version. Why: the registry here takes longer ones and more; a
# test holds their length. On Azure: the train job of the model with most features; its version has `definition_2`.
LONGEST = 1_000


def parted(tags: Mapping[str, str]) -> dict[str, str]:
    """`key` with the first part of its text, `key_2` with the second and so on."""
    found = {}
    for key, text in tags.items():
        for number in range(len(text) // LONGEST + 1):
            found[_named(key, number)] = text[number * LONGEST : (number + 1) * LONGEST]
    return found


def joined(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags with every text whole under its key; its other parts stay, too."""
    found = dict(tags)
    for key, text in tags.items():
        number, part = 0, text
        while len(part) == LONGEST and (more := tags.get(_named(key, number + 1))) is not None:
            number, part = number + 1, more
            found[key] += part
    return found


def _named(key: str, number: int) -> str:
    return f"{key}_{number + 1}" if number else key
