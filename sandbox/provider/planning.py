"""What a plan says: values known after apply, defaults, hidden differences, replacement; what validation refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.provider.rules import Behaviour
from sandbox.provider.values import UNKNOWN, Object, Schema, is_zero

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Refusal:
    """One reason why a configuration is refused: summary, detail, and the path of the attribute."""

    summary: str
    detail: str
    steps: Steps = ()


@dataclass
class Planner:
    """Plans one resource type. The older SDK's rules: an omitted computed attribute keeps its value.

    On the plugin framework it does not, once anything changes: then all that is computed and not configured is unknown
    (recorded for databricks_quality_monitor, drift "schema changed").
    """

    block: Schema
    behaviour: Behaviour
    framework: bool = False
    replacing: list[Steps] = field(default_factory=list)

    def plan(self, prior: Object | None, proposed: Object, config: Object) -> Object:
        """The planned values; afterwards ``replacing`` holds the paths whose change needs a new resource."""
        planned = self._block(self.block, (), prior, proposed, config, creating=prior is None)
        if self.framework and prior is not None and planned != prior:
            planned |= {
                name: UNKNOWN
                for name, attribute in self.block["attributes"].items()
                if attribute.get("computed") and config[name] is None
            }
        return planned

    def _block(
        self, block: Schema, at: Steps, prior: Object | None, proposed: Object, config: Object, *, creating: bool
    ) -> Object:
        planned: Object = {}
        for name, attribute in block.get("attributes", {}).items():
            value, old = proposed[name], prior[name] if prior else None
            path = dotted((*at, name))
            if config[name] is None:
                if path in self.behaviour.defaults:
                    value = self.behaviour.defaults[path]
                elif attribute.get("computed") and creating:
                    value = UNKNOWN
            elif path in self.behaviour.lowered and isinstance(value, str):
                value = normal_location(value)
            elif isinstance(value, list):
                value = self._with_defaults(path, value)
            planned[name] = self._decide((*at, name), old, value, known=prior is not None)
        for name, nested in block.get("block_types", {}).items():
            planned[name] = self._nested(
                nested, (*at, name), (prior or {}).get(name), proposed[name], config[name], creating
            )
        return planned

    def _with_defaults(self, path: str, item: Any) -> Any:
        """An element of an attribute that the configuration writes like a block."""
        if isinstance(item, list):
            return [self._with_defaults(path, inner) for inner in item]
        if not isinstance(item, dict):
            return item
        return {
            name: self.behaviour.defaults.get(f"{path}.{name}")
            if value is None
            else self._with_defaults(f"{path}.{name}", value)
            for name, value in item.items()
        }

    def _nested(self, nested: Schema, at: Steps, prior: Any, proposed: Any, config: Any, creating: bool) -> Any:
        if proposed is UNKNOWN or proposed is None:
            return proposed
        if nested["nesting_mode"] == "single":
            return self._block(nested["block"], at, prior, proposed, config, creating=creating)
        if nested["nesting_mode"] == "set":
            items = [self._block(nested["block"], at, None, item, item, creating=creating) for item in proposed]
        else:
            olds = [*(prior or []), *[None] * len(proposed)]
            items = [
                self._block(nested["block"], (*at, i), olds[i], item, given, creating=creating)
                for i, (item, given) in enumerate(zip(proposed, config, strict=True))
            ]
        if prior is None:
            return items
        if self._unchanged(at, prior, items):
            return prior
        if self._replaces(at, prior, items, is_set=nested["nesting_mode"] == "set"):
            self.replacing.append(at)
        return items

    def _unchanged(self, at: Steps, old: Any, new: Any) -> bool:
        """Whether the values are equal, or their difference is hidden."""
        kind = self.behaviour.hidden.get(dotted(at))
        return same(old, new) or bool(kind and hidden(kind, old, new))

    def _replaces(self, at: Steps, old: list[Object], new: list[Object], *, is_set: bool) -> bool:
        """Whether blocks that differ need a new resource.

        The older SDK counts blocks (``schemaMap.diffList``: the number of blocks has the block's own ForceNew, every
        attribute inside its own); of a set it compares elements, so what is inside is looked at here.
        """
        path = dotted(at)
        if len(old) != len(new) and path in self.behaviour.force_new:
            return True
        inside = sorted(
            name.removeprefix(f"{path}.")
            for name in self.behaviour.force_new
            if name.startswith(f"{path}.") and "." not in name.removeprefix(f"{path}.")
        )
        values = [[[item[name] for name in inside] for item in items] for items in (old, new)]
        if not is_set:  # what was there is compared one by one already
            values = [[], [value for value in values[1][len(old) :] if any(value)]]
        return bool(inside) and sorted(map(repr, values[0])) != sorted(map(repr, values[1]))

    def _decide(self, at: Steps, old: Any, new: Any, *, known: bool) -> Any:
        """The new value, or the old one where nothing is to be shown."""
        if not known:
            return new
        if self._unchanged(at, old, new):
            return old
        if dotted(at) in self.behaviour.force_new:
            self.replacing.append(at)
        return new


def dotted(at: Steps) -> str:
    """The path without list positions."""
    return ".".join(step for step in at if isinstance(step, str))


def same(old: Any, new: Any) -> bool:
    """Equal for terraform: null and an empty list are the same in the older SDK."""
    if old == new:
        return True
    return old in (None, [], {}) and new in (None, [], {})


def hidden(kind: str, old: Any, new: Any) -> bool:
    """Whether the real provider does not show a difference of this kind; the kinds are in ``behaviour``."""
    if new is UNKNOWN:
        return False
    match kind:
        case "removed":
            return is_zero(new)
        case "server":
            return True
        case "skipped":
            return is_zero(old) and not is_zero(new)
        case "location":
            return normal_location(str(old)) == normal_location(str(new))
        case "case":
            return str(old).lower() == str(new).lower()
        case "slash":
            return is_zero(new) or str(old).rstrip("/") == str(new).rstrip("/")
        case "prefix":
            return str(old).removeprefix("/Workspace") == str(new).removeprefix("/Workspace")
        case "json":
            return is_zero(new) or _same_json(old, new)
    return False


def normal_location(name: str) -> str:
    """``West Europe`` -> ``westeurope``: how azurerm keeps the name of a region."""
    return name.replace(" ", "").lower()


def _same_json(old: Any, new: Any) -> bool:
    try:
        return bool(json.loads(old) == json.loads(new))
    except (TypeError, ValueError):
        return False


def validate(behaviour: Behaviour, config: Object) -> Iterator[Refusal]:
    """Refusals for arguments that exclude or need each other. terraform itself refuses unknown and missing ones."""
    for path, others in sorted(behaviour.conflicts.items()):
        for at, scope, name in _scopes(config, path):
            for other in sorted(others):
                if _given(scope, name) and _given(scope, other.rsplit(".", 1)[-1]):
                    detail = f'"{_shown((*at, name))}": conflicts with {other}'
                    yield Refusal("Conflicting configuration arguments", detail, (*at, name))
    for group in behaviour.exactly_one:
        yield from _one_of(config, group, "exactly")
    for group in behaviour.at_least_one:
        yield from _one_of(config, group, "at least")
    for path, needed in behaviour.required_with.items():
        for at, scope, name in _scopes(config, path):
            if _given(scope, name) and not all(_found(scope, path, other) for other in needed):
                detail = f'"{_shown((*at, name))}": all of `{",".join(sorted({path, *needed}))}` must be specified'
                yield Refusal("Missing required argument", detail, (*at, name))


def _one_of(config: Object, group: frozenset[str], how: str) -> Iterator[Refusal]:
    first = min(group)
    names = sorted(path.rsplit(".", 1)[-1] for path in group)
    for at, scope, _ in _scopes(config, first):
        count = sum(_given(scope, name) for name in names)
        shown = ",".join(sorted(group))
        if count == 0:
            detail = f"one of `{shown}` must be specified"
            summary = "Invalid combination of arguments" if how == "exactly" else "Missing required argument"
            yield Refusal(summary, detail, at)
        elif count > 1 and how == "exactly":
            yield Refusal("Invalid combination of arguments", f"only one of `{shown}` can be specified", at)


def _scopes(config: Object, path: str) -> Iterator[tuple[Steps, Object, str]]:
    """Every object of the configuration that can hold the last part of ``path``: (its path, it, the last part)."""
    *parents, name = path.split(".")
    found: list[tuple[Steps, Object]] = [((), config)]
    for parent in parents:
        inner: list[tuple[Steps, Object]] = []
        for at, scope in found:
            value = scope.get(parent)
            if isinstance(value, dict):
                inner.append(((*at, parent), value))
            elif isinstance(value, list):
                inner += [((*at, parent, i), item) for i, item in enumerate(value) if isinstance(item, dict)]
        found = inner
    for at, scope in found:
        yield at, scope, name


def _found(scope: Object, path: str, other: str) -> bool:
    """Whether ``other`` is given: beside ``path`` in the same object, or inside the block at ``path``."""
    if not other.startswith(f"{path}."):
        return _given(scope, other.rsplit(".", 1)[-1])
    below = {path.rsplit(".", 1)[-1]: scope[path.rsplit(".", 1)[-1]]}
    inner = path.rsplit(".", 1)[-1] + other.removeprefix(path)
    return any(_given(at, name) for _, at, name in _scopes(below, inner))


def _given(scope: Object, name: str) -> bool:
    value = scope.get(name)
    return value is not None and value != []


def _shown(at: Steps) -> str:
    return ".".join(str(step) for step in at)
