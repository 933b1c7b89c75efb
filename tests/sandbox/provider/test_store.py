"""The workspace store: transactional, refuses another version."""

from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.errors import ServiceError, StoreVersionError
from sandbox.store import Store


def fill(path: Path, start: int) -> list[int]:
    store = Store(path)
    for number in range(start, start + 20):
        store.create("databricks_job", str(number), {"name": f"job {number}"})
    return [store.number("job") for _ in range(20)]


def test_threads_and_processes_lose_nothing_and_get_no_number_twice(tmp_path):
    path = tmp_path / "resources.sqlite"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as processes, ThreadPoolExecutor(4) as threads:
        work = [processes.submit(fill, path, start) for start in (0, 100)]
        work += [threads.submit(fill, path, start) for start in (200, 300, 400, 500)]
        numbers = [number for done in work for number in done.result()]
    assert len(Store(path).list("databricks_job")) == 120
    assert len(set(numbers)) == 120


def test_a_resource_is_created_read_updated_and_deleted(tmp_path):
    store = Store(tmp_path / "resources.sqlite")
    store.create("databricks_job", "1", {"name": "a"})
    store.update("databricks_job", "1", {"name": "b"})
    assert store.read("databricks_job", "1").body == {"name": "b"}
    assert store.delete("databricks_job", "1")
    assert not store.delete("databricks_job", "1")
    assert store.read("databricks_job", "1") is None


def test_a_taken_id_and_a_missing_one_are_refused(tmp_path):
    store = Store(tmp_path / "resources.sqlite")
    store.create("databricks_cluster_policy", "1", {})
    with pytest.raises(ServiceError, match="cluster policy '1' already exists"):
        store.create("databricks_cluster_policy", "1", {})
    with pytest.raises(ServiceError, match="cluster policy '2' does not exist"):
        store.update("databricks_cluster_policy", "2", {})


def test_an_error_inside_a_transaction_leaves_the_store_as_it_was(tmp_path):
    store = Store(tmp_path / "resources.sqlite")
    store.create("databricks_job", "1", {"name": "a"})

    def fail() -> None:
        with store.transaction() as db:
            db.execute("DELETE FROM resource")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [item.id for item in store.list()] == ["1"]


def test_a_store_of_another_version_is_refused_and_named(tmp_path):
    path = tmp_path / "resources.sqlite"
    Store(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match="has version 99, this sandbox reads version 1"):
        Store(path)
