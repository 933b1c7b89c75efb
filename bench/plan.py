"""What a real terraform plan of a deployed stage takes, through the provider stand-in."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from bench.result import Result, within
from sandbox.terraform import Terraform

ROOT = Path(__file__).parents[1]
SECONDS, TIMES = 6.0, 3


def results() -> list[Result]:
    """Deploys dev into a workspace of its own, then plans it again."""
    with tempfile.TemporaryDirectory() as home:
        terraform = Terraform(home=Path(home), repo=ROOT)
        terraform.deploy("dev", lambda _: None)
        taken = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            plan = terraform.plan("dev")
            taken.append(time.perf_counter() - begun)
            if plan.changes:
                raise SystemExit(f"the second plan wants {plan.changes} changes")
    return [within("terraform plan of dev, seconds", median(taken), SECONDS)]
