"""terraform's own part of validate, plan and apply, in process: what it proposes, in which order, what it compares.

So that a hundred cases cost seconds.  The same cases go through the real terraform in fewer, joined configurations.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb

from sandbox.errors import ServiceError
from sandbox.provider.servicer import Servicer, Settings
from sandbox.provider.values import UNKNOWN, Object, conform, decode, encode
from sandbox.workspace import Workspace

META = ("depends_on", "lifecycle")
_REFERENCE = re.compile(r"\$\{((\w+\.\w+)\.(\w+))\}")


class RefusedError(Exception):
    """What terraform prints; ``at`` is validate, plan or apply."""

    def __init__(self, at: str, text: str) -> None:
        super().__init__(f"{at}: {text}")
        self.at, self.text = at, text


@dataclass(frozen=True)
class Change:
    address: str
    actions: tuple[str, ...]
    attributes: tuple[str, ...]


class Experiments:
    """An MLflow that keeps experiments and models in memory: the port's local implementation."""

    def __init__(self, *_: Any) -> None:
        self._number = itertools.count(1)
        self._ids: dict[str, str] = {}

    def call(self, method: str, path: str, payload: Object) -> Object:
        if path == "experiments/create":
            if payload["name"] in self._ids:
                raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Experiment '{payload['name']}' already exists.")
            self._ids[payload["name"]] = str(next(self._number))
            return {"experiment_id": self._ids[payload["name"]]}
        return {}

    def close(self) -> None:
        pass


class Core:
    """One stack with its state, planned and applied through a servicer."""

    def __init__(self, home: Path, cache: Path, deployer: str = "deployer") -> None:
        self._servicer = Servicer(Settings(home, cache, mlflow=Experiments))
        given = {"azure_workspace_resource_id": "/workspaces/dbw-test", "azure_client_id": deployer}
        config = conform(self._servicer._schemas()["provider"]["block"], given)
        request = pb.ConfigureProvider.Request(config=_wire(config))
        _raise("plan", self._servicer.ConfigureProvider(request, None))
        self.workspace = Workspace.named(home, "dbw-test")
        self.state: dict[str, Object] = {}

    def plan(self, resources: dict[str, Any]) -> list[Change]:
        """Refresh, then what would change; ``RefusedError``."""
        planned = dict(self._refreshed())
        changes = []
        for address, body in _ordered(resources):
            prior = planned.get(address)
            after, replaced = self._planned(address, body, prior, planned)
            planned[address] = after
            change = self._change(address, prior, after, replaced)
            if change:
                changes.append(change)
        return sorted(changes, key=lambda change: change.address)

    def apply(self, resources: dict[str, Any]) -> None:
        """Plan all, then apply one after the other."""
        self.plan(resources)
        self.state = dict(self._refreshed())
        for address, body in _ordered(resources):
            prior = self.state.get(address)
            after, replaced = self._planned(address, body, prior, self.state)
            if self._change(address, prior, after, replaced) is None:
                continue
            if replaced:
                self._applied(address, prior, None)
                prior = None
            self.state[address] = self._applied(address, prior, after)

    def refreshed(self) -> dict[str, Object]:
        """The state as the provider reads it now."""
        return dict(self._refreshed())

    @property
    def servicer(self) -> Servicer:
        return self._servicer

    def block(self, type_name: str) -> Any:
        return self._servicer._block(type_name)

    def _refreshed(self) -> Iterator[tuple[str, Object]]:
        for address, state in self.state.items():
            request = pb.ReadResource.Request(type_name=address.split(".")[0], current_state=_wire(state))
            answer = self._servicer.ReadResource(request, None)
            _raise("plan", answer)
            found = decode(answer.new_state.msgpack)
            if found is not None:
                yield address, found

    def _planned(self, address: str, body: Object, prior: Object | None, values: Any) -> tuple[Object, bool]:
        name = address.split(".")[0]
        block = self.block(name)
        config = _configured(block, _resolved(body, values))
        request = pb.ValidateResourceConfig.Request(type_name=name, config=_wire(config))
        _raise("validate", self._servicer.ValidateResourceConfig(request, None))
        after, replacing = self._ask(name, block, prior, config)
        if prior is not None and replacing:
            return self._ask(name, block, None, config)[0], True
        return after, False

    def _ask(self, name: str, block: Any, prior: Object | None, config: Object) -> tuple[Object, bool]:
        request = pb.PlanResourceChange.Request(
            type_name=name,
            prior_state=_wire(prior),
            proposed_new_state=_wire(_proposed(block, prior, config)),
            config=_wire(config),
        )
        answer = self._servicer.PlanResourceChange(request, None)
        _raise("plan", answer)
        return decode(answer.planned_state.msgpack), bool(answer.requires_replace)

    def _applied(self, address: str, prior: Object | None, planned: Object | None) -> Any:
        request = pb.ApplyResourceChange.Request(
            type_name=address.split(".")[0], prior_state=_wire(prior), planned_state=_wire(planned)
        )
        answer = self._servicer.ApplyResourceChange(request, None)
        _raise("apply", answer)
        made = decode(answer.new_state.msgpack)
        if planned is not None and not answer.legacy_type_system:
            kept = {key: made[key] for key, value in planned.items() if value is not UNKNOWN}
            assert kept == {key: value for key, value in planned.items() if value is not UNKNOWN}, address
        return made

    def _change(self, address: str, prior: Object | None, after: Object, replaced: bool) -> Change | None:
        block = self.block(address.split(".")[0])
        if prior is None:
            return Change(address, ("create",), ())
        before, then = _comparable(block, prior), _comparable(block, after)
        names = tuple(sorted(name for name in then if before[name] != then[name]))
        if replaced:
            return Change(address, ("delete", "create"), names)
        return Change(address, ("update",), names) if names else None


def _wire(value: Any) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=encode(value))


def _raise(at: str, answer: Any) -> None:
    if answer.diagnostics:
        raise RefusedError(at, " ".join(f"{item.summary} {item.detail}".strip() for item in answer.diagnostics))


def _ordered(resources: dict[str, Any]) -> list[tuple[str, Object]]:
    """Every resource after those that it refers to."""
    left = {f"{kind}.{name}": body for kind, named in resources.items() for name, body in named.items()}
    done: list[tuple[str, Object]] = []
    while left:
        for address, body in left.items():
            needs = {match[1] for match in _REFERENCE.findall(json.dumps(body))} | set(body.get("depends_on", ()))
            if not needs & left.keys():
                done.append((address, {key: value for key, value in body.items() if key not in META}))
                del left[address]
                break
        else:
            raise AssertionError(f"a cycle among {sorted(left)}")
    return done


def _resolved(value: Any, values: dict[str, Object]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, values) for item in value]
    if not isinstance(value, str):
        return value
    for reference, address, attribute in _REFERENCE.findall(value):
        found = values[address][attribute]
        if found is UNKNOWN:
            return UNKNOWN
        value = value.replace(f"${{{reference}}}", str(found))
    return value


def _configured(block: Any, body: Object) -> Object:
    """The configuration in the schema's shape, as terraform reads it from JSON."""
    unknown = body.keys() - block.get("attributes", {}).keys() - block.get("block_types", {}).keys()
    if unknown:
        raise RefusedError("validate", f"No argument or block type is named {sorted(unknown)}")
    out: Object = {}
    for name, attribute in block.get("attributes", {}).items():
        out[name] = _converted(attribute.get("type"), body.get(name))
    for name, nested in block.get("block_types", {}).items():
        given = body.get(name)
        items = given if isinstance(given, list) else [] if given is None else [given]
        made = [_configured(nested["block"], item) for item in items]
        out[name] = (made[0] if made else None) if nested["nesting_mode"] == "single" else made
    return out


def _converted(kind: Any, value: Any) -> Any:
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind == "number" and isinstance(value, str):
        return int(value)
    if isinstance(kind, list) and kind[0] in ("list", "set") and isinstance(value, list):
        return [_converted(kind[1], item) for item in value]
    return value


def _proposed(block: Any, prior: Object | None, config: Object) -> Object:
    """terraform's ``objchange.ProposedNew``: what is computed and not configured keeps its prior value."""
    out: Object = {}
    for name, attribute in block.get("attributes", {}).items():
        keeps = attribute.get("computed") and config[name] is None and prior is not None
        out[name] = prior[name] if keeps and prior is not None else config[name]
    for name, nested in block.get("block_types", {}).items():
        given, old, inner = config[name], (prior or {}).get(name), nested["block"]
        if nested["nesting_mode"] == "single":
            out[name] = _proposed(inner, old, given) if given is not None else None
        elif nested["nesting_mode"] == "set":
            out[name] = [_proposed(inner, _matching(inner, old or [], item), item) for item in given]
        else:
            olds = [*(old or []), *[None] * len(given)]
            out[name] = [_proposed(inner, olds[i], item) for i, item in enumerate(given)]
    return out


def _matching(block: Any, olds: list[Object], item: Object) -> Object | None:
    return next(
        (old for old in olds if _comparable(block, _proposed(block, old, item)) == _comparable(block, old)), None
    )


def _comparable(block: Any, value: Object) -> Object:
    """The value with sets in one order."""
    out: Object = {}
    for name, attribute in block.get("attributes", {}).items():
        kind, found = attribute.get("type"), value[name]
        is_set = isinstance(kind, list) and kind[0] == "set" and isinstance(found, list)
        out[name] = sorted(found, key=repr) if is_set else found
    for name, nested in block.get("block_types", {}).items():
        found = value[name]
        if isinstance(found, list):
            items = [_comparable(nested["block"], item) for item in found]
            out[name] = sorted(items, key=repr) if nested["nesting_mode"] == "set" else items
        else:
            out[name] = _comparable(nested["block"], found) if found is not None else None
    return out
