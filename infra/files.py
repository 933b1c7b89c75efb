"""Reading JSON files of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workflows.errors import DeclarationError


def read_json(path: Path, root: Path) -> dict[str, Any]:
    """The JSON object in a file; an error names the file."""
    label = path.relative_to(root).as_posix()
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeclarationError(path.stem, "file", label, "a file that exists", label) from error
    except json.JSONDecodeError as error:
        raise DeclarationError(path.stem, f"line {error.lineno}", error.msg, "JSON", label) from error
    if not isinstance(read, dict):
        raise DeclarationError(path.stem, "file", type(read).__name__, "a JSON object", label)
    return read
