"""What synthesis costs: all stacks against the same app under cdktf's eager imports, and one model more."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.result import Result, within

ROOT = Path(__file__).parents[1]
TIMES = 3
SECONDS, A_TASK, A_RESOURCE = 6.0, 0.003, 0.002
FEW, SOME, MANY = 10, 55, 100
EAGER = "import cdktf_cdktf_provider_databricks, cdktf_cdktf_provider_azurerm, runpy; "
APP = "runpy.run_module('infra', run_name='__main__', alter_sys=True)"


def seconds(code: str, folder: Path) -> float:
    """Wall seconds of a Python that runs `code`, from its start to its end."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["CDKTF_OUTDIR"] = str(folder)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True)
    return time.perf_counter() - begun


def models(count: int) -> tuple[float, int, int]:
    """Seconds to build and write the dev stage with so many invented models, its tasks and its resources."""
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"
    from infra import clusters, delivery, inputs, synth
    from infra.stages import STAGES, StageName
    from workflows.discover import discover
    from workflows.models.readmission import readmission

    known, project = clusters.load(ROOT), discover(ROOT / "workflows", clusters=clusters.load(ROOT))
    invented = {f"model_{n:03d}": replace(readmission, name=f"model_{n:03d}") for n in range(count)}
    catalogue = replace(project, models=invented)
    delivered = delivery.delivery(catalogue, known, ROOT)
    with tempfile.TemporaryDirectory() as out:
        begun = time.perf_counter()
        app = synth.new_app(Path(out))
        synth.add_stages(app, [STAGES[StageName.DEV]], catalogue=catalogue, clusters=known, delivery=delivered,
                         inputs=inputs.load(), left=[])  # fmt: skip
        app.synth()
        took = time.perf_counter() - begun
        document = synth.written(Path(out), "dev")["resource"]
    jobs = document["databricks_job"].values()
    return took, sum(len(job["task"]) for job in jobs), sum(map(len, document.values()))


def results() -> list[Result]:
    """All stacks; what a further model costs; whether the last models cost what the first do."""
    with tempfile.TemporaryDirectory() as out:
        seconds(f"import runpy; {APP}", Path(out))
        pairs = [
            (seconds(f"import runpy; {APP}", Path(out)), seconds(EAGER + APP, Path(out))) for _ in range(TIMES)
        ]  # fmt: skip
    ours, eager = (median(some) for some in zip(*pairs, strict=True))
    models(1)
    few, some, many = models(FEW), models(SOME), models(MANY)
    allowed = (many[1] - few[1]) * A_TASK + (many[2] - few[2]) * A_RESOURCE
    return [
        Result("synth of all stacks", ours, eager, "the same app under cdktf's eager imports"),
        within("synth of all stacks, seconds", ours, SECONDS),
        within(f"{MANY - FEW} further models, seconds", many[0] - few[0], allowed),
        Result("the later models", many[0] - some[0], some[0] - few[0], "as many models before them", 1.25),
    ]
