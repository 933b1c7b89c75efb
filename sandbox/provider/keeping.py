"""Creating, changing and removing a resource in the workspace: the same for both doors, plugin protocol and REST."""

from __future__ import annotations

import copy
import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.provider.kinds import Context, Kind
from sandbox.provider.values import UNKNOWN, Object, settle

_creating: dict[str, threading.Lock] = {}


def create(context: Context, name: str, kind: Kind, planned: Object) -> Object:
    """Make what is planned; the body as stored. ``ServiceError`` when the workspace refuses, and nothing is left."""
    body, store = copy.deepcopy(planned), context.workspace.store
    with _one_at_a_time(context, name):
        id_ = kind.identify(context, body)
        body["id"] = id_
        there = kind.overwrites and store.read(name, id_) is not None
        if not there:
            store.create(name, id_, kind.stored(settle(body)))
    try:
        kind.make(context, body, None)
    except Exception:
        if not there:
            store.delete(name, id_)
        raise
    return _keep(context, name, kind, body)


def update(context: Context, name: str, kind: Kind, prior: Object, planned: Object) -> Object:
    """Change it to what is planned; the body as stored."""
    body = copy.deepcopy(filled(prior, planned))
    kind.make(context, body, prior)
    return _keep(context, name, kind, body)


def filled(prior: Object, planned: Object) -> Object:
    """The planned values, with the prior one where it is not known before the update: the service changes it or not."""
    return {key: prior[key] if value is UNKNOWN else value for key, value in planned.items()}


def delete(context: Context, name: str, kind: Kind, prior: Object) -> None:
    """Remove it; nothing happens when it is gone already."""
    if context.workspace.store.read(name, str(prior[kind.key])):
        kind.remove(context, prior)
        context.workspace.store.delete(name, str(prior[kind.key]))


def _keep(context: Context, name: str, kind: Kind, body: Object) -> Object:
    stored = kind.stored(settle(body))
    context.workspace.store.update(name, str(body[kind.key]), stored)
    return stored


@contextmanager
def _one_at_a_time(context: Context, name: str) -> Iterator[None]:
    """What is checked for one of a type must hold until it is stored: terraform creates in parallel, and through
    either door.
    """
    folder = context.workspace.root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with _creating.setdefault(f"{folder} {name}", threading.Lock()), (folder / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
