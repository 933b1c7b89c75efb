"""Sources by name: each module of this package declares one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from workflows.errors import DeclarationError
from workflows.source import Source


def names() -> tuple[str, ...]:
    """The sources there are, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def named(name: str) -> Source:
    """The source of that name; raises DeclarationError listing the sources there are."""
    if name not in names():
        raise DeclarationError("workflows.sources", "source", name, names())
    source = getattr(import_module(f"{__name__}.{name}"), name, None)
    if not isinstance(source, Source):
        told = f"{name} = Source(name={name!r}, ...): file, variable and name are one word"
        raise DeclarationError(name, "variable", None, told, f"workflows/sources/{name}.py")
    return source
