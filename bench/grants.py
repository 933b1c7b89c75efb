"""What the check of grants costs the feature query: with and without it in turn, in one run, in processor time of the
server, which another program on the machine disturbs less than the clock. The workspace is one that a demo filled.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.features import cost
from bench.result import Result
from bench.spark import CACHE
from jobs.featurize.features import feature_table
from sandbox.grants.published import ATTACHES, Published, folder
from sandbox.spark import archive, server
from sandbox.spark.catalog import Catalog
from sandbox.spark.session import session
from sandbox.workspace import Workspace
from workflows.concept_sets import set_names
from workflows.covariates import code_rows
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

MOST = 1.05
WARM_UP, PAIRS = 4, 20
WORKSPACE = Path(__file__).parents[1] / ".sandbox" / "dbw-cdh-prod"
COLLECTION = "chronic_conditions"


def measure(workspace: Workspace, pairs: int) -> tuple[float, float]:
    """The least seconds of processor time that the feature query costs, as who runs it in the demo: without the check
    and with it; Java's compilers and collectors take more of some turns than the check takes of any."""
    featurize = next(
        one.body["application_id"]
        for one in workspace.store.list("databricks_service_principal")
        if one.body["display_name"].startswith("sp-featurize")
    )
    Published(workspace).refresh()
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with ExitStack() as stack:
        sparks: dict[bool, Any] = {}
        processes: dict[bool, psutil.Process] = {}
        known: set[int] = set()
        for checked in (False, True):
            scratch = Path(stack.enter_context(TemporaryDirectory()))
            where = folder(workspace) if checked else None
            running = server.start(CACHE, scratch, workspace.warehouse, archive.archive_options(CACHE), where)
            stack.callback(running.stop)
            with session(f"sc://{running.address()}/;user_id={ATTACHES}") as owner:
                Catalog(workspace.warehouse).attach(owner)
            processes[checked] = java(known)
            known.add(processes[checked].pid)
            sparks[checked] = stack.enter_context(session(f"sc://{running.address()}/;user_id={featurize}"))
        for turn in range(WARM_UP + pairs):
            # Who goes first changes, so that neither profits from the other.
            for checked in (False, True) if turn % 2 else (True, False):
                spent = cost(processes[checked], partial(query, sparks[checked]), 1, workers=False)
                if turn >= WARM_UP:
                    seconds[checked].append(spent)
    return min(seconds[False]), min(seconds[True])


def java(known: set[int]) -> psutil.Process:
    """The server that was started last."""
    mine = psutil.Process().children(recursive=True)
    return next(one for one in mine if one.pid not in known and one.name() == "java")


def query(spark: Any) -> None:
    """The feature query of the demo's model, aggregated so that its result costs nothing."""
    frame = feature_table(
        spark.table("synthetic_omop_ra.fact_encounter_index"),
        spark.table("synthetic_omop_ra.fact_person"),
        code_rows([], {COLLECTION: ()}),
        readmission,
        synthetic_omop,
        {COLLECTION: set_names(COLLECTION)},
    )
    frame.selectExpr("count(*)", "sum(outcome)").collect()


def results() -> list[Result]:
    """The query with the check against the query without it."""
    if not WORKSPACE.is_dir():
        raise SystemExit("bench.grants measures in the sandbox that `make demo` leaves; run that first")
    without, checked = measure(Workspace(WORKSPACE), PAIRS)
    return [Result("feature query with the check of grants", checked, without, "without the check", MOST)]
