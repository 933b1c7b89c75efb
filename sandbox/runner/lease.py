"""The lease of a run: a file lock that the runner holds and that every process of its tasks inherits.

The lock is free only when the runner and all that it started for the run are gone, however they ended: so whoever
gets it may work on the run, and a task of a killed runner that has not ended yet keeps a repair away.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# How long the processes of a runner that was killed may take to end.
STRAY_SECONDS = 10.0


def acquire(path: Path, seconds: float = 0.0) -> int | None:
    """An open descriptor that holds the lock, or None when another still has it after ``seconds``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


@contextmanager
def trying(path: Path, seconds: float = 0.0) -> Iterator[int | None]:
    """As ``acquire``, for the time of the `with`."""
    descriptor = acquire(path, seconds)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
