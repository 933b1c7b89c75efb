"""How the command line fails: one message that says what to do, on standard error, and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from jobs.errors import TaskError
from operate.errors import OperateError
from report.trace import UntraceableError
from review.deployed import ReviewError
from sandbox.errors import SandboxError
from workflows.deliveries import DeliveryError
from workflows.errors import DeclarationError


class UsageError(Exception):
    """Something the caller typed that cannot be; the text names it and the valid values."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn errors that a person can mend into their message; a defect keeps its traceback."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        yield
    except (
        SandboxError, OperateError, DeclarationError, DeliveryError, ReviewError, TaskError, UntraceableError,
        UsageError,
    ) as error:  # fmt: skip
        # What people wrote is no markup: `[a-z]` would be taken for one.
        console.print("[red]mlops:[/red]", Text(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("[red]mlops:[/red] stopped; nothing that was finished is lost")
        sys.exit(130)
