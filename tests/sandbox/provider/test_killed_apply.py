"""An apply that is killed, and two at once: nothing is lost or doubled, state and workspace agree afterwards."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter

import pytest
from provider_project import Project, Resources, catalog, job, volume

from sandbox.left_overs import forget_left_overs, mended
from sandbox.store import Store

COMMAND = ["terraform", "apply", "-auto-approve", "-input=false", "-no-color"]
MOMENTS = random.Random(4).choices(range(150), k=8)


def many(count: int = 25) -> Resources:
    files = {
        f"f{n}": {"path": f"${{databricks_volume.v.volume_path}}/f{n}", "content_base64": "YQ=="} for n in range(count)
    }
    return catalog() | {
        "databricks_volume": {"v": volume()},
        "databricks_file": files,
        "databricks_job": {f"j{n}": job("a") | {"name": f"j{n}"} for n in range(count)},
        "databricks_cluster_policy": {f"p{n}": {"name": f"p{n}", "definition": "{}"} for n in range(count)},
    }


def agree(project: Project) -> None:
    """State and workspace hold the same resources, each name once."""
    state = json.loads(project.workspace.state.read_text())["resources"]
    known = Counter((item["type"], item["instances"][0]["attributes"]["id"]) for item in state)
    store = project.workspace.store.list()
    assert known == Counter((item.type, item.id) for item in store)
    names = Counter((item.type, item.body["name"]) for item in store if item.type in ("databricks_job",))
    assert set(names.values()) <= {1}


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("killed"))
    project.write(many())
    project.terraform._ready("dev", lambda line: None)
    return project


@pytest.mark.parametrize(
    "milliseconds", [*MOMENTS[:2], *(pytest.param(moment, marks=pytest.mark.nightly) for moment in MOMENTS[2:])]
)
def test_an_apply_killed_at_any_moment_is_made_again_and_loses_and_doubles_nothing(killed: Project, milliseconds: int):
    environment = killed.terraform.environment()
    apply = subprocess.Popen(COMMAND, cwd=killed.stack, env=environment, stdout=subprocess.DEVNULL)
    store = killed.workspace.root / "resources.sqlite"
    begun = time.monotonic()
    # the moment counts from the first resource on, so that each kill falls into the apply
    while not (store.exists() and Store(store).list()):
        assert time.monotonic() - begun < 60
        time.sleep(0.005)
    time.sleep(milliseconds / 1000)
    apply.kill()
    apply.wait()
    (killed.workspace.root / ".terraform.tfstate.lock.info").unlink(missing_ok=True)
    time.sleep(0.5)  # the provider's process goes with terraform, at its next look
    resources = many()
    made, wanted = len(killed.workspace.store.list()), sum(len(named) for named in resources.values())
    assert 0 < made < wanted, "the kill came before or after the apply"
    mended(killed.workspace.state)
    forget_left_overs(killed.workspace)
    killed.apply(resources)
    assert len(killed.workspace.store.list()) == wanted
    agree(killed)
    assert killed.plan(resources) == {}
    killed.terraform.destroy("dev")
    assert killed.workspace.store.list() == []
    store.unlink()


@pytest.mark.parametrize("before", [True, False], ids=["a deployment before", "the first one"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_state_that_terraform_was_killed_in_is_kept_and_the_one_before_counts(
    project: Project, share: float, before: bool
):
    first, then = many(2), many(4)
    if before:
        project.apply(first)
    project.apply(then)
    state = project.workspace.state
    whole = state.read_bytes()
    torn = whole[: int(len(whole) * share)] or b"{"
    state.write_bytes(torn)
    assert mended(state)
    assert state.with_name(f"{state.name}.torn").read_bytes() == torn
    assert state.exists() == before, "terraform keeps a backup of the state before, where there was one"
    forget_left_overs(project.workspace)
    project.apply(then)
    agree(project)
    assert project.plan(then) == {}
    assert not mended(state), "nothing is done to a state that is whole"


def test_a_second_apply_at_once_is_refused_by_the_state_lock_and_nothing_is_doubled(project: Project):
    project.write(many())
    project.terraform._ready("dev", lambda line: None)
    environment = project.terraform.environment()
    first = subprocess.Popen(COMMAND, cwd=project.stack, env=environment, stdout=subprocess.DEVNULL)
    lock = project.workspace.root / ".terraform.tfstate.lock.info"
    while not lock.exists():
        assert first.poll() is None, "the first apply ended before it took the lock"
        time.sleep(0.005)
    second = subprocess.run(COMMAND, cwd=project.stack, env=environment, capture_output=True, text=True)
    assert first.wait() == 0
    assert second.returncode == 1
    assert "Error acquiring the state lock" in second.stderr
    agree(project)
    assert project.plan() == {}
