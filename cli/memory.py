"""How much memory this process and everything below it uses, sampled while something runs."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

EVERY = 1.0  # seconds between samples


def footprint(process: psutil.Process) -> int:
    """Bytes of one process; shared pages are counted in proportion where the system says so (Linux)."""
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", 0) or full.uss)
    except psutil.Error:
        return 0


def tree_footprint(root: psutil.Process) -> int:
    """Bytes of a process and all its descendants at this moment."""
    try:
        return footprint(root) + sum(footprint(child) for child in root.children(recursive=True))
    except psutil.Error:
        return 0


class PeakMemory:
    """Context manager: `peak` is the largest sampled sum over the process tree, in bytes."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def _sample(self) -> None:
        root = psutil.Process()
        while not self._stop.is_set():
            self.peak = max(self.peak, tree_footprint(root))
            self._stop.wait(EVERY)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
