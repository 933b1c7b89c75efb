"""Malformed messages, a broken or foreign store, a full disk: a clear error, and nothing is lost or half done."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provider_project import ROOT, Project, catalog, job
from terraform_core import Core, RefusedError
from tf.gen import tfplugin_pb2 as pb

from sandbox.errors import SandboxError, StoreError
from sandbox.left_overs import forget_left_overs
from sandbox.provider.values import encode
from sandbox.store import Store

CALLS = {
    "ValidateResourceConfig": ("config",),
    "ReadResource": ("current_state",),
    "PlanResourceChange": ("prior_state", "proposed_new_state", "config"),
    "ApplyResourceChange": ("prior_state", "planned_state"),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> Core:
    core = Core(tmp_path_factory.mktemp("bad"), ROOT / ".cache")
    core.apply(catalog() | {"databricks_job": {"j": job("a")}})
    return core


def kept(core: Core) -> list[tuple[str, str]]:
    return [(item.type, item.id) for item in core.workspace.store.list()]


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_malformed_message_is_answered_with_a_diagnostic_that_names_it(call, core, data):
    before = kept(core)
    bytes_ = data.draw(st.binary(min_size=1, max_size=40) | VALUES.filter(lambda value: value is not None).map(encode))
    values = {name: pb.DynamicValue(msgpack=bytes_) for name in CALLS[call]}
    request = getattr(pb, call).Request(type_name="databricks_job", **values)
    answer = getattr(core.servicer, call)(request, None)
    texts = [item.summary for item in answer.diagnostics]
    # eight of msgpack's first bytes are null: no configuration, no state
    assert texts or bytes_ == b"\xc0"
    assert all("malformed message about databricks_job" in text for text in texts), texts
    assert kept(core) == before


def test_an_unknown_type_and_an_unreadable_state_are_named(core):
    answer = core.servicer.ReadResource(pb.ReadResource.Request(type_name="databricks_nothing"), None)
    assert "the sandbox does not model databricks_nothing" in answer.diagnostics[0].summary
    for text in (b"{ half", b"[]", b"null", b""):
        request = pb.UpgradeResourceState.Request(type_name="databricks_job", raw_state=pb.RawState(json=text))
        answer = core.servicer.UpgradeResourceState(request, None)
        assert answer.diagnostics[0].summary.startswith("malformed message about databricks_job: its state is no JSON")


def test_an_attribute_that_is_missing_deep_inside_is_named(core):
    state = json.loads(json.dumps(core.state["databricks_job.j"]))
    del state["task"][0]["task_key"]
    request = pb.ReadResource.Request(type_name="databricks_job", current_state=pb.DynamicValue(msgpack=encode(state)))
    answer = core.servicer.ReadResource(request, None)
    assert "task.task_key is missing or unknown" in answer.diagnostics[0].summary


def test_a_store_of_another_version_stops_terraform_and_stays_as_it_is(project: Project):
    project.apply(catalog())
    path = project.workspace.root / "resources.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    text = project.try_apply(catalog() | {"databricks_job": {"j": job("a")}})
    assert "the workspace store has version 99, this sandbox reads version 1" in text
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_named_and_kept(tmp_path):
    path = tmp_path / "resources.sqlite"
    path.write_text("something else " * 100)
    with pytest.raises(
        StoreError, match=r"resources\.sqlite: the workspace store cannot be used: file is not a database"
    ):
        Store(path)
    assert path.read_text() == "something else " * 100


def test_a_state_that_was_cut_off_is_named_with_its_backup(project: Project):
    project.apply(catalog())
    project.workspace.state.write_text('{"version": 4, "resour')
    with pytest.raises(
        SandboxError,
        match=r"it was cut off while it was written; deploy its stack again, which puts terraform\.tfstate\.backup",
    ):
        forget_left_overs(project.workspace)
    assert len(project.workspace.store.list()) == 2


FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
from sandbox.errors import StoreError
from sandbox.store import Store
store = Store(Path(sys.argv[1]))
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in range(10_000):
    try:
        store.create("databricks_job", str(number), {"name": "x" * 2000})
    except StoreError as error:
        print(f"{number}|{error}")
        break
"""


@pytest.mark.parametrize("limit", [100_000, 333_333, 1_000_000])
def test_a_full_disk_is_told_and_everything_before_it_is_there(tmp_path: Path, limit: int):
    path = tmp_path / "resources.sqlite"
    ran = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    number, error = ran.stdout.split("|")
    assert "the workspace store cannot be used" in error
    assert "nothing was changed; free space on the disk and run it again" in error
    store = Store(path)
    assert {int(item.id) for item in store.list()} == set(range(int(number)))
    store.create("databricks_job", number, {"name": "again"})


FILLS_A_VOLUME = """
import resource, sys, json
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from provider_project import catalog, volume
from terraform_core import Core, RefusedError
core = Core(Path(sys.argv[2]), Path(sys.argv[3]))
stack = catalog() | {"databricks_volume": {"v": volume()}}
stack["databricks_file"] = {"f": {"path": "${databricks_volume.v.volume_path}/f", "content_base64": "YQ=="}}
core.apply(stack)
stack["databricks_file"]["f"]["content_base64"] = "YWFh" * 700_000
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    core.apply(stack)
except RefusedError as error:
    print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path):
    arguments = [str(Path(__file__).parent), str(tmp_path), str(ROOT / ".cache")]
    ran = subprocess.run(
        [sys.executable, "-c", FILLS_A_VOLUME, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "apply: cannot update file:" in ran.stdout, ran.stderr
    assert "File too large; the file is as it was" in ran.stdout
    folder = tmp_path / "dbw-test" / "volumes" / "cdh_test" / "ml" / "artifacts"
    assert [path.name for path in folder.iterdir()] == ["f"]
    assert (folder / "f").read_text() == "a"


def test_what_a_refused_create_made_is_not_in_the_store(core: Core):
    before = kept(core)
    resources: dict[str, Any] = {"databricks_job": {"bad": job("a", "a")}}
    with pytest.raises(RefusedError, match="Task key 'a' is given to 2 tasks"):
        Core(core.workspace.root.parent, ROOT / ".cache").apply(resources)
    assert kept(core) == before
