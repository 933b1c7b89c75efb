"""Loads one file of declarations; whatever it raises names the file, the line and what would have been right."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import traceback
from dataclasses import fields
from pathlib import Path
from types import ModuleType

from workflows import declare, source
from workflows.errors import DeclarationError

CALL = re.compile(r"(\w+)\.__init__\(\) (?:got an unexpected keyword argument '(\w+)'|missing .*?: (.+))")


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
        raise error.at(file) from error
    except Exception as error:
        raise understood(error, path, file) from error
    return module


def understood(error: Exception, path: Path, file: str) -> DeclarationError:
    """An error of Python's own as a declaration's: a call's wrong or missing field is named with the valid ones."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    where = f"{file}:{line}" if line else file
    call = CALL.search(str(error))
    kind = getattr(declare, call[1], None) or getattr(source, call[1], None) if call else None
    if call and kind:
        names = [one.name for one in fields(kind) if one.init]
        if call[2]:
            return DeclarationError(call[1], "field", call[2], names, where)
        return DeclarationError(
            call[1], "missing fields", call[3], f"all of {', '.join(names)} that have no default", where
        )
    return DeclarationError(path.stem, type(error).__name__, str(error), "a file that can be imported", where)


def assigned(path: Path) -> list[str]:
    """The names a file assigns at its top level; what it merely imports is declared elsewhere."""
    statements = ast.parse(path.read_text()).body
    targets = [t for s in statements if isinstance(s, ast.Assign) for t in s.targets]
    targets += [s.target for s in statements if isinstance(s, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
