"""What a command shows, as JSON in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.errors import UsageError


def write(content: Any, path: Path | None) -> None:
    """Write `content` where the caller asked for it, and nothing without a path; the file's folder is made."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        text = f"--json = '{path}' is not valid: {error.strerror}; valid: a file that can be written"
        raise UsageError(text) from error
