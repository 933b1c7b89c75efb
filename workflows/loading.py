"""Loads one file of declarations; whatever it raises names the file, the line and what would have been right."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from workflows import declare, source
from workflows.errors import DeclarationError

CALL = re.compile(
    r"(?P<name>\w+)(?P<method>\.__init__)?\(\) (?:got an unexpected keyword argument '(?P<wrong>\w+)'"
    r"|got multiple values for argument '(?P<twice>\w+)'|missing .*?: (?P<missing>.+)"
    r"|takes .* but (?P<given>\d+) )"
)
SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


def label(path: Path, root: Path) -> str:
    """How a file is named to a person: `workflows/models/readmission.py`."""
    return str(path.relative_to(root.parent))


def loaded(path: Path, root: Path) -> ModuleType:
    """The module in `path`, executed under a name of its own; what it raises names the file."""
    file = label(path, root)
    spec = importlib.util.spec_from_file_location(f"workflows_declared.{path.parent.name}.{path.stem}", path)
    if spec is None:
        raise DeclarationError(path.stem, "file", file, "a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        # Not by the cache of compiled files, which takes a file changed within a second for what it was.
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except DeclarationError as error:
        raise error.at(located(error, path, file)) from error
    except Exception as error:
        raise understood(error, path, file) from error
    return module


def located(error: Exception, path: Path, file: str) -> str:
    """The file, and the line of it that an error came from: the last one that was reached."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{file}:{line}" if line else file


def understood(error: Exception, path: Path, file: str) -> DeclarationError:
    """An error of Python's own as a declaration's: a call's wrong or missing field is named with the valid ones."""
    where, call = located(error, path, file), CALL.search(str(error))
    kind = getattr(declare, call["name"], None) or getattr(source, call["name"], None) if call else None
    if call and callable(kind):
        return miscalled(kind, call, where)
    return DeclarationError(path.stem, type(error).__name__, str(error), "a file that can be imported", where)


def miscalled(kind: Callable[..., object], call: re.Match[str], where: str) -> DeclarationError:
    """A call of something that is declared, with the fields that it has."""
    name, parameters = call["name"], signature(kind).parameters.values()
    names = [f"*{one.name}" if one.kind is one.VAR_POSITIONAL else one.name for one in parameters]
    if wrong := call["wrong"]:
        return DeclarationError(name, "field", wrong, names or "none, as it has no field", where)
    if twice := call["twice"]:
        return DeclarationError(name, "field", twice, f"each of {', '.join(names)} once", where)
    if missing := call["missing"]:
        told = f"all of {', '.join(names)} that have no default"
        return DeclarationError(name, "missing fields", missing, told, where)
    # Python counts the object itself.
    given = int(call["given"]) - bool(call["method"])
    unnamed = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    told = f"at most {len(unnamed)}: {', '.join(unnamed)}" if unnamed else "none"
    if named := [f"{one.name}=" for one in parameters if one.kind is one.KEYWORD_ONLY]:
        told += f"; by name {', '.join(named)}"
    return DeclarationError(name, "values without a name", given, told, where)


def assigned(path: Path) -> dict[str, list[int]]:
    """The names a file assigns, and in which lines; what it merely imports is declared elsewhere."""
    found: dict[str, list[int]] = {}
    for node in of_module(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, []).append(node.lineno)
    return found


def of_module(node: ast.AST) -> Iterator[ast.AST]:
    """What stands below a module's node, in order, but for what has names of its own or assigns nothing."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, SCOPES) and not (isinstance(child, ast.AnnAssign) and child.value is None):
            yield child
            yield from of_module(child)


def declared(path: Path, root: Path, kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """What a file declares of a kind, with its variable: each in one of its own, as nothing else is looked for."""
    file, variables = label(path, root), vars(loaded(path, root))
    named = {id(value) for value in variables.values()}
    for name, lines in assigned(path).items():
        if isinstance(value := variables.get(name), kind):
            if len(lines) > 1:
                told = f"a variable for one {kind.__name__}; it is assigned in lines {', '.join(map(str, lines))}"
                raise DeclarationError(path.stem, "variable", name, told, f"{file}:{lines[-1]}")
            yield name, value
        elif within := [one.name for one in members(value) if isinstance(one, kind) and id(one) not in named]:
            told = f"a variable for each {kind.__name__} in it ({', '.join(within)}), such as {within[0]} = ..."
            raise DeclarationError(path.stem, "variable", name, told, f"{file}:{lines[-1]}")


def refuse_misnamed(path: Path, root: Path, variables: Mapping[str, Any]) -> None:
    """Raise unless a file declares one thing, in the variable and by the name that the file has: tasks look there."""
    if {variable: value.name for variable, value in variables.items()} != {path.stem: path.stem}:
        there = ", ".join(f"{variable} (name={value.name!r})" for variable, value in variables.items()) or None
        told = f"{path.stem} = Source(name={path.stem!r}, ...) and no other: file, variable and name are one word"
        raise DeclarationError(path.stem, "variable", there, told, label(path, root))


def members(value: object) -> Iterator[Any]:
    """What is in a collection, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    for one in value if isinstance(value, (list, tuple, set, frozenset)) else ():
        yield one
        yield from members(one)
