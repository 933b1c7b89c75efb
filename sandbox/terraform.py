"""Drives the real ``cdktf`` and ``terraform`` against a local workspace.

The sandbox is for laptops and tests; on Azure ``cdktf deploy <stage>`` is run as it is, with the real provider, on
the byte-identical ``cdk.tf.json``.  What differs stands beside that file or in the environment: a backend override
(state in the workspace's folder) and a terraform CLI configuration that finds the stand-in in a local mirror.  The
mirrored executable is a constant shim, because a change would break the checksum in terraform's lock file.
"""

from __future__ import annotations

import fcntl
import json
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import NotDeployedError, SandboxError, TerraformError, UnknownStageError
from sandbox.left_overs import forget_left_overs, mended
from sandbox.process import Leashed, inherited_environment
from sandbox.provider.mlflow_rest import server_of
from sandbox.terraform_output import Applied, PlanResult, applied, errors, plain, planned, progress
from sandbox.workspace import Workspace, accounts, stages, subscriptions

# Not proved here: that the real provider accepts the stacks. Why: the stand-in has its schemas and a table of its
# behaviour, compared with recordings, but it is not the provider. On Azure: `terraform plan` of `dev` with the real
# provider; nothing but creations, no warnings.
_PROVIDERS = (("databricks/databricks", "1.99.0"), ("hashicorp/azurerm", "4.55.0"))
_SHIM = """#!/bin/sh
# Stand-in for the {name} provider: for laptops and tests. Constant; what it runs is in the environment.
PYTHONPATH="$MLOPS_ROOT" exec "$MLOPS_PYTHON" -m sandbox.provider {argument}"$@"
"""
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

_IN_MLFLOW = ("databricks_mlflow_experiment", "databricks_registered_model")

Line = Callable[[str], None]


def _quiet(line: str) -> None:
    del line


@dataclass(frozen=True)
class Terraform:
    """cdktf and terraform for the stages of one repository; ``home`` is the folder of the local workspaces."""

    home: Path
    repo: Path

    @property
    def out(self) -> Path:
        """Where cdktf synthesizes to."""
        return self.repo / "cdktf.out"

    def deploy(self, stage: str, line: Line = _quiet, *, synthesized: bool = False) -> Applied:
        """``cdktf deploy`` of one stage, which synthesizes again; ``line`` gets each line of progress.

        synthesized: what lies in ``cdktf.out`` was made from the code as it is, and is deployed without synthesizing.
        Raises ``UnknownStageError``, and ``TerraformError`` with terraform's own message.
        """
        if stage not in self._stages():
            line("synthesizing")
            self._run([sys.executable, "-m", "infra"], self.repo, line)
        workspace = self.workspace(stage)
        cdktf = self.repo / "node_modules" / ".bin" / "cdktf"
        if not cdktf.exists():
            raise SandboxError(f"{cdktf} is missing; run `npm ci` (make demo does)")
        with self._alone(stage), self._mlflow_ahead(stage):
            self._prepare(stage)
            self._mend(stage, line)
            left_over = forget_left_overs(workspace)
            if left_over:
                line(f"{left_over} resources are left over from a deployment that was cut off; they are made again")
            command = [str(cdktf), "deploy", stage, "--auto-approve", "--skip-provider-lock"]
            if synthesized:
                command.append("--skip-synth")
            output = self._run(command, self.repo, line, log=workspace.root / "terraform.log")
        if self.workspace(stage) != workspace:
            raise SandboxError(f"stage '{stage}' changed its workspace while it was deployed; deploy it again")
        return applied(output)

    # Not proved here: an empty second plan against the real service. Why: the real service normalises more than the
    # recordings show (fields that a policy supplies, names in lower case). On Azure: `terraform plan
    # -detailed-exitcode` after the first apply; exit code 0.
    def plan(self, stage: str, line: Line = _quiet) -> PlanResult:
        """``terraform plan`` of a synthesized stage: how many resources it would change, and which."""
        folder = self._ready(stage, line)

        return planned(self._run(["terraform", "plan", "-input=false", "-json"], folder, line))

    def destroy(self, stage: str, line: Line = _quiet) -> Applied:
        """``terraform destroy`` of a stage; ``TerraformError`` when an object is kept by ``prevent_destroy``."""
        workspace = self.workspace(stage)
        if not self._state(stage).exists():
            raise NotDeployedError(workspace.name, stage)
        command = ["terraform", "destroy", "-auto-approve", "-input=false", "-json"]
        with self._alone(stage):
            self._mend(stage, line)
            folder = self._ready(stage, line)
            return applied(self._run(command, folder, line, log=workspace.root / "terraform.log"))

    def workspace(self, stage: str) -> Workspace:
        """The stage's workspace; ``UnknownStageError`` lists the valid stages."""
        known = self._stages()
        if stage not in known:
            raise UnknownStageError(stage, sorted(known))
        return Workspace.named(self.home, known[stage])

    def environment(self) -> dict[str, str]:
        """The caller's environment with what the stand-in and quiet, offline tools need."""
        changed = inherited_environment(
            TF_CLI_CONFIG_FILE=str(self._cache / "terraform.rc"),
            CHECKPOINT_DISABLE="1",
            TF_IN_AUTOMATION="1",
            CI="1",
            FORCE_COLOR="0",
            DISABLE_VERSION_CHECK="1",
            JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="20",
            JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1",
            # the stacks refuse placeholders of `infra/inputs.json` unless they are told that this is no cloud
            TF_VAR_sandbox="true",
            MLOPS_PYTHON=sys.executable,
            MLOPS_ROOT=str(_own_root()),
            MLOPS_SANDBOX=str(self.home.resolve()),
            MLOPS_CACHE=str((self.repo / ".cache").resolve()),
        )
        changed.pop("PYTHONDONTWRITEBYTECODE", None)
        # `python -m infra` in cdktf.json must be this environment's Python
        changed["PATH"] = f"{Path(sys.executable).parent}:{changed.get('PATH', '')}"
        return changed

    @property
    def _cache(self) -> Path:
        return (self.repo / ".cache" / "terraform").resolve()

    def _stages(self) -> dict[str, str]:
        """Stack -> its folder."""
        if not (self.out / "manifest.json").exists():
            return {}
        return subscriptions(self.out) | accounts(self.out) | stages(self.out)

    def _state(self, stage: str) -> Path:
        """A stage has a workspace of its own; stacks of one subscription or account share a folder, not a state."""
        workspace = self.workspace(stage)
        return workspace.state if stage in stages(self.out) else workspace.root / f"{stage}.tfstate"

    def _mend(self, stage: str, line: Line) -> None:
        state = self._state(stage)
        if mended(state):
            line(f"{state.name} was cut off as it was written; the one before counts, and it is {state.name}.torn now")

    def _folder(self, stage: str) -> Path:
        manifest = json.loads((self.out / "manifest.json").read_text())
        return self.out / str(manifest["stacks"][stage]["workingDirectory"])

    def _prepare(self, stage: str) -> Path:
        """Write mirror, CLI configuration and backend override; the stack's folder."""
        write_mirror(self._cache)
        folder = self._folder(stage)
        state = str(self._state(stage).resolve())
        self.workspace(stage).root.mkdir(parents=True, exist_ok=True)
        override = {"terraform": {"backend": {"local": {"path": state}}}}
        if _write(folder / "backend_override.tf.json", json.dumps(override, indent=2) + "\n"):
            # terraform remembers the backend that it was initialized with, and would ask to move its state here
            (folder / ".terraform" / "terraform.tfstate").unlink(missing_ok=True)
        return folder

    def _ready(self, stage: str, line: Line) -> Path:
        self.workspace(stage)
        folder = self._prepare(stage)
        needed = (".terraform/providers", ".terraform/terraform.tfstate", ".terraform.lock.hcl")
        if not all((folder / name).exists() for name in needed):
            self._run(["terraform", "init", "-input=false", "-no-color"], folder, line)
        return folder

    @contextmanager
    def _alone(self, stage: str) -> Iterator[None]:
        """Only one deployment of a workspace at a time."""
        workspace = self.workspace(stage)
        workspace.root.mkdir(parents=True, exist_ok=True)
        with (workspace.root / "deploy.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SandboxError(f"stage '{stage}' is being deployed or destroyed by another process") from None
            yield

    @contextmanager
    def _mlflow_ahead(self, stage: str) -> Iterator[None]:
        """Start MLflow while cdktf synthesizes and plans, when experiments or models are to be made."""
        synthesized = json.loads((self._folder(stage) / "cdk.tf.json").read_text()).get("resource", {})
        workspace = self.workspace(stage)
        wanted = sum(len(synthesized.get(name, {})) for name in _IN_MLFLOW)
        there = sum(len(workspace.store.list(name)) for name in _IN_MLFLOW) if workspace.exists else 0
        done = threading.Event()
        if wanted <= there:
            yield
            return

        def hold() -> None:
            # an error here comes up again, and is told, where the provider asks for the server
            with suppress(SandboxError), server_of(workspace, self.repo / ".cache"):
                done.wait()

        thread = threading.Thread(target=hold, name="mlflow-ahead")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _run(
        self,
        command: list[str],
        folder: Path,
        line: Line,
        *,
        log: Path | None = None,
    ) -> list[str]:
        try:
            process = Leashed(
                command, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder
            )
        except FileNotFoundError:
            raise SandboxError(f"{command[0]} is not found; `mlops doctor` says what is needed") from None
        output: list[str] = []
        try:
            for raw in process.stdout or ():
                text = plain(raw)
                output.append(text)
                shown = progress(text)
                if shown:
                    line(shown)
            code = process.wait(600)
        except BaseException:
            process.kill()
            raise
        finally:
            if log:
                log.write_text("\n".join(output) + "\n")
        process.close()
        if code:
            raise TerraformError(errors(output) or f"{' '.join(command[:2])} ended with {code}")
        return output


def write_mirror(cache: Path) -> Path:
    """The local mirror with a shim for each provider, and the CLI configuration that uses it; the latter's path."""
    system, machine = platform.system().lower(), _MACHINES.get(platform.machine())
    if system not in ("linux", "darwin") or machine is None:
        raise SandboxError(f"the sandbox runs on Linux and macOS, not on {platform.system()} {platform.machine()}")
    mirror = cache / "mirror"
    for source, version in _PROVIDERS:
        name = source.rsplit("/", 1)[-1]
        folder = mirror / "registry.terraform.io" / source / version / f"{system}_{machine}"
        shim = folder / f"terraform-provider-{name}_v{version}"
        # without an argument it is databricks: that shim's checksum is in the lock files that are there
        _write(shim, _SHIM.format(name=name, argument="" if name == "databricks" else f"{name} "))
        shim.chmod(0o755)
    ours = json.dumps([f"registry.terraform.io/{source}" for source, _ in _PROVIDERS])
    configuration = cache / "terraform.rc"
    _write(
        configuration,
        f"provider_installation {{\n  filesystem_mirror {{\n    path    = {json.dumps(str(mirror))}\n"
        f"    include = {ours}\n  }}\n  direct {{\n    exclude = {ours}\n  }}\n}}\n",
    )
    return configuration


def _own_root() -> Path:
    return Path(__file__).resolve().parent.parent


def _write(path: Path, text: str) -> bool:
    """Write the text unless it is there already; whether it was written."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True
