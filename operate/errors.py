"""How operating fails."""

from __future__ import annotations


class OperateError(Exception):
    """What a workspace refused, or what was asked of it that cannot be: one line, fit to be shown."""
