"""What a task's compute says of its environment, as far as a laptop can give it: what differs is named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from packaging.markers import InvalidMarker, Marker

# Set when a server starts; a session cannot change them.
STATIC = {
    "spark.sql.catalogImplementation", "spark.sql.extensions", "spark.sql.warehouse.dir",
    "spark.sql.globalTempDatabase", "spark.sql.event.truncate.length", "spark.sql.queryExecutionListeners",
    "spark.sql.streaming.streamingQueryListeners", "spark.sql.cache.serializer", "spark.sql.session.localRelationCache",
    "spark.sql.catalog.spark_catalog",
}  # fmt: skip
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)\s*(?:;\s*([^\\]*?))?\s*\\?$")
_SHOWN = 8


def session_settings(spark_conf: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables by which a new session takes the settings it can take, and the names of the others.

    pyspark's Connect client sets what stands in these variables on each session it makes, `spark.sql.*` only.
    """
    taken = {key: value for key, value in spark_conf.items() if key.startswith("spark.sql.") and key not in STATIC}
    left = sorted(set(spark_conf) - set(taken))
    if not taken:
        return {}, left
    return {"PYSPARK_REMOTE_INIT_CONF_LEN": "1", "PYSPARK_REMOTE_INIT_CONF_0": json.dumps(taken)}, left


def notes(spark_conf: Mapping[str, str], requirements: Path | None) -> list[str]:
    """What the environment of a task here has not as its compute says; one line each."""
    found = []
    _, left = session_settings(spark_conf)
    if left:
        found.append(f"sandbox: spark_conf that a session cannot take here: {', '.join(left)}")
    differences = requirement_differences(requirements.read_text(encoding="utf-8")) if requirements else ()
    if differences:
        more = len(differences) - _SHOWN
        shown = "; ".join(differences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        found.append(f"sandbox: {len(differences)} of the cluster's requirements differ here: {shown}")
    return found


@lru_cache(maxsize=16)
def requirement_differences(lock: str) -> tuple[str, ...]:
    """`name 2.0 is 1.9 here` for each pin of a lock file that the tasks' Python does not have like that."""
    found = []
    for line in lock.splitlines():
        pin = _PIN.match(line.strip())
        if pin is None or not _applies(pin[3]):
            continue
        name, wanted = pin[1], pin[2]
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            found.append(f"{name} {wanted} is missing")
        else:
            # A local build (`2.3+cpu`) is the same release.
            if here.partition("+")[0] != wanted.partition("+")[0]:
                found.append(f"{name} {wanted} is {here}")
    return tuple(found)


def _applies(marker: str | None) -> bool:
    if not marker:
        return True
    try:
        return Marker(marker).evaluate()
    except InvalidMarker:
        return True
