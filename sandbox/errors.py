"""Errors of the sandbox that a person reads; each names the thing, the bad value and the valid ones."""

from __future__ import annotations


class SandboxError(Exception):
    """Base: its text is one or a few plain lines, fit to be shown without a traceback."""


class UnknownStageError(SandboxError):
    """A stage that the synthesized manifest does not have."""

    def __init__(self, stage: str, valid: list[str]) -> None:
        super().__init__(f"stage '{stage}' is unknown; valid: {', '.join(valid) or 'none'}")


class NotSynthesizedError(SandboxError):
    """There is no synthesized manifest, so no stage is known."""

    def __init__(self, out: object) -> None:
        super().__init__(f"nothing is synthesized in {out}; run `mlops deploy dev` (it synthesizes and deploys)")


class NotDeployedError(SandboxError):
    """A workspace without deployed resources."""

    def __init__(self, workspace: str, stage: str = "") -> None:
        what = f"stage '{stage}'" if stage else f"workspace {workspace}"
        super().__init__(f"{what} is not deployed; run `mlops deploy {stage or '<stage>'}`")


class StoreVersionError(SandboxError):
    """A workspace store written by another version of the sandbox."""

    def __init__(self, path: object, found: int, expected: int) -> None:
        super().__init__(
            f"{path}: the workspace store has version {found}, this sandbox reads version {expected}; "
            "move the folder away or destroy it with the version that made it"
        )


class StoreError(SandboxError):
    """The workspace store cannot be read or written: a full disk, a file that is no database; nothing was changed."""

    def __init__(self, path: object, reason: object) -> None:
        hint = "free space on the disk and run it again" if "full" in str(reason) or "I/O" in str(reason) else ""
        hint = hint or "move the folder away, or put back a copy of it"
        super().__init__(f"{path}: the workspace store cannot be used: {reason}; nothing was changed; {hint}")


class ServiceError(SandboxError):
    """What the workspace answers to a request that it refuses: a Databricks error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TerraformError(SandboxError):
    """terraform or cdktf ended with an error; the text is terraform's own message."""
