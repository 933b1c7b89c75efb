"""Sessions of one process on one Spark Connect server."""

from __future__ import annotations

import gc

import pytest

from sandbox.spark.session import connect, session


@pytest.mark.spark
@pytest.mark.parametrize("ends", ["by its with", "by Python"])
def test_a_session_that_ends_leaves_the_others_what_they_release_their_answers_with(spark_remote: str, ends: str):
    """PySpark's pool is one for all sessions of a process, and each session that ended took it along."""
    from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Answer

    with session(spark_remote) as stays:
        assert stays.range(3).count() == 3
        pool = Answer._get_or_create_release_thread_pool()
        if ends == "by its with":
            with session(spark_remote) as other:
                assert other.range(2).count() == 2
        else:
            other = connect(spark_remote)
            assert other.range(2).count() == 2
            del other
            gc.collect()
        assert pool.submit(lambda: "taken").result() == "taken"
        assert Answer._get_or_create_release_thread_pool() is pool
        assert stays.range(4).count() == 4
