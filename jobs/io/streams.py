"""A table's change feed as a stream that ends when it has caught up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jobs.io.context import Task

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# Not proved here: a stream from a table by its name. Why: open-source Delta refuses the name of a table whose change
# feed is streamed, so here it is found by its folder, which Unity Catalog in turn refuses. On Azure: a run of a
# featurization with `updates=Continuous()`; its log says how many commits it applied.
def follow(task: Task, name: str, first: int, checkpoint: str, each: Callable[[DataFrame, int], None]) -> None:
    """Give what the commits of a table changed, from `first` on, to `each`, and return when there is no more.

    checkpoint: below the volume of checkpoints; where it has been before, the stream goes on from there.
    """
    reader = task.spark.readStream.format("delta").option("readChangeFeed", "true").option("startingVersion", first)
    if task.surroundings.spark_remote is None:
        feed, folder = reader.table(name), below(task, checkpoint)
    else:
        detail = task.spark.sql(f"DESCRIBE DETAIL {name}").first()
        assert detail is not None
        feed = reader.load(detail["location"])
        folder = str(task.volume(below(task, checkpoint)))
    writer = feed.writeStream.foreachBatch(each).option("checkpointLocation", folder)
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()


def begun(task: Task, checkpoint: str, first: int, *, earlier: int) -> int:
    """The version at which a stream begins: `first` where its checkpoint is new, and the same whenever it goes on, as
    one that does its first batch again refuses to begin after it.

    earlier: where a stream began that did not note it, as older ones did not.
    """
    folder = task.volume(below(task, checkpoint))
    noted = folder.with_name(f"{folder.name}.first")
    if any((folder / "offsets").glob("[0-9]*")):
        return int(noted.read_text(encoding="utf-8")) if noted.exists() else earlier
    noted.parent.mkdir(parents=True, exist_ok=True)
    noted.write_text(str(first), encoding="utf-8")
    return first


def below(task: Task, checkpoint: str) -> str:
    """The folder of a checkpoint."""
    return f"/Volumes/{task.catalog}/ml/checkpoints/{checkpoint}"
