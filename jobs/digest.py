"""A hash of whatever decides something: a mapping, a definition, a check."""

from __future__ import annotations

import hashlib


def digest(*parts: object) -> str:
    """SHA-256 of what the parts say of themselves: declarations, names, numbers."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
