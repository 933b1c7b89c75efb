"""The provider's side of terraform's plugin protocol, version 6."""
# ruff: noqa: ARG002, D102, N802 -- names and arguments of the calls are gRPC's

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from sandbox.errors import SandboxError, ServiceError
from sandbox.provider import derive, keeping, protocol
from sandbox.provider.kinds import Context, Kind, ReadBackError
from sandbox.provider.mlflow_rest import Mlflow, MlflowClient
from sandbox.provider.planning import Planner, Refusal, validate
from sandbox.provider.reading import read
from sandbox.provider.registry import PROVIDERS, Provider
from sandbox.provider.values import MalformedValueError, Object, conform, decode_object, encode, settle
from sandbox.workspace import Workspace

Call = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Settings:
    """What the process was started with: the folder of all workspaces and the one of what can be made again."""

    home: Path | None
    cache: Path  # of the whole repository; derived schemas are in its folder "provider"
    mlflow: Callable[[Workspace, Path, str], Mlflow] = MlflowClient


@dataclass
class _Session:
    """What ConfigureProvider made."""

    context: Context | None = None
    mlflow: Mlflow | None = None
    schemas: dict[str, Any] = field(default_factory=dict)


def _answers(response: Any) -> Callable[[Call], Call]:
    """Turn every error inside a call into a diagnostic of its response."""

    def wrap(call: Call) -> Call:
        @functools.wraps(call)
        def run(self: Any, request: Any, context: Any) -> Any:
            try:
                return call(self, request, context)
            except SandboxError as error:
                return response(diagnostics=[protocol.error(str(error))])
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                summary = f"the sandbox's provider failed in {call.__name__}: {type(error).__name__}"
                return response(diagnostics=[protocol.error(summary, str(error))])

        return run

    return wrap


class Servicer(rpc.ProviderServicer):
    """Plans and applies resources into one local workspace."""

    def __init__(self, settings: Settings, provider: Provider = PROVIDERS["databricks"]) -> None:
        self._settings, self._provider = settings, provider
        self._session = _Session()

    def close(self) -> None:
        """Let go what the session holds."""
        if self._session.mlflow:
            self._session.mlflow.close()

    @_answers(pb.GetMetadata.Response)
    def GetMetadata(self, request: Any, context: Any) -> Any:
        names = [pb.GetMetadata.ResourceMetadata(type_name=name) for name in sorted(self._schemas()["resources"])]
        return pb.GetMetadata.Response(server_capabilities=_CAPABILITIES, resources=names)

    @_answers(pb.GetProviderSchema.Response)
    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        found = self._schemas()
        return pb.GetProviderSchema.Response(
            provider=protocol.schema(found["provider"]),
            resource_schemas={name: protocol.schema(schema) for name, schema in found["resources"].items()},
            server_capabilities=_CAPABILITIES,
        )

    @_answers(pb.ValidateProviderConfig.Response)
    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    @_answers(pb.ConfigureProvider.Response)
    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        config = decode_object("the provider", self._schemas()["provider"]["block"], request.config.msgpack) or {}
        name = self._provider.workspace(config)
        if self._settings.home is None:
            raise SandboxError("MLOPS_SANDBOX is not set: deploy with `mlops deploy <stage>`, which sets it")
        workspace = Workspace.named(self._settings.home, name)
        deployer = str(config.get("azure_client_id") or config.get("client_id") or "deployer")
        self._session.mlflow = self._settings.mlflow(workspace, self._settings.cache, deployer)
        self._session.context = Context(workspace, deployer, self._session.mlflow.call, config)
        return pb.ConfigureProvider.Response()

    @_answers(pb.StopProvider.Response)
    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()

    @_answers(pb.ValidateResourceConfig.Response)
    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        config = self._object(request.type_name, request.config)
        found = validate(self._provider.behaviours[request.type_name], config or {})
        return pb.ValidateResourceConfig.Response(diagnostics=[_diagnostic(item) for item in found])

    @_answers(pb.UpgradeResourceState.Response)
    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        try:
            raw = json.loads(request.raw_state.json)
            state = conform(self._block(request.type_name), raw)
        except (ValueError, AttributeError, TypeError):
            raise MalformedValueError(request.type_name, "its state is no JSON object of this type") from None
        return pb.UpgradeResourceState.Response(upgraded_state=_dynamic(state))

    @_answers(pb.ReadResource.Response)
    def ReadResource(self, request: Any, context: Any) -> Any:
        state = self._object(request.type_name, request.current_state)
        if state is None:
            raise MalformedValueError(request.type_name, "a state is needed to read it")
        body = self._read(request.type_name, str(state[self._kind(request.type_name).key]), state)
        return pb.ReadResource.Response(new_state=_dynamic(body))

    @_answers(pb.PlanResourceChange.Response)
    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        kind, legacy = self._kind(request.type_name), request.type_name not in self._provider.binding.framework
        prior, proposed, config = (
            self._object(request.type_name, value)
            for value in (request.prior_state, request.proposed_new_state, request.config)
        )
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=_dynamic(None), legacy_type_system=legacy)
        planner = Planner(
            self._block(request.type_name), self._provider.behaviours[request.type_name], framework=not legacy
        )
        planned = kind.plan(prior, planner.plan(prior, proposed, config or proposed))
        return pb.PlanResourceChange.Response(
            planned_state=_dynamic(planned),
            requires_replace=[protocol.attribute_path(steps) for steps in planner.replacing],
            diagnostics=[_diagnostic(item) for item in kind.check(planned)],
            legacy_type_system=legacy,
        )

    @_answers(pb.ApplyResourceChange.Response)
    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        name, legacy = request.type_name, request.type_name not in self._provider.binding.framework
        kind = self._kind(name)
        prior, planned = self._object(name, request.prior_state), self._object(name, request.planned_state)
        if prior is None and planned is None:
            raise MalformedValueError(name, "neither a prior nor a planned state is there")
        verb = "create" if prior is None else "delete" if planned is None else "update"
        try:
            body: Object | None = None
            if verb == "create":
                stored = keeping.create(self._context(), name, kind, planned)
                body = self._read_back(name, planned, stored, new=True)
            elif verb == "update":
                planned = keeping.filled(prior, planned)
                stored = keeping.update(self._context(), name, kind, prior, planned)
                body = self._read_back(name, planned, stored, new=False)
            else:
                keeping.delete(self._context(), name, kind, prior)
        except ServiceError as error:
            verb = "read" if isinstance(error, ReadBackError) else verb
            return pb.ApplyResourceChange.Response(
                new_state=_dynamic(prior),
                diagnostics=[protocol.error(f"cannot {verb} {kind.noun}: {error}")],
                legacy_type_system=legacy,
            )
        return pb.ApplyResourceChange.Response(new_state=_dynamic(body), legacy_type_system=legacy)

    @_answers(pb.ImportResourceState.Response)
    def ImportResourceState(self, request: Any, context: Any) -> Any:
        body = self._read(request.type_name, request.id)
        if body is None:
            raise SandboxError(f"cannot import {request.type_name}: '{request.id}' does not exist")
        imported = pb.ImportResourceState.ImportedResource(type_name=request.type_name, state=_dynamic(body))
        return pb.ImportResourceState.Response(imported_resources=[imported])

    def _read_back(self, name: str, planned: Object, stored: Object, *, new: bool) -> Object:
        """What was made, as the provider reads it after each create and update."""
        taken = self._taken(name, settle(planned), stored, new=new)
        if taken is None:
            noun = self._kind(name).noun
            raise ReadBackError("RESOURCE_DOES_NOT_EXIST", f"{noun} '{stored['id']}' is not there after it was made")
        return taken

    def _read(self, name: str, id_: str, prior: Object | None = None) -> Object | None:
        context = self._context()
        found = context.workspace.store.read(name, id_)
        present = self._kind(name).present(context, found.body) if found else None
        return self._taken(name, prior, present) if present is not None else None

    def _taken(self, name: str, prior: Object | None, present: Object, *, new: bool = False) -> Object | None:
        kind, block = self._kind(name), self._block(name)
        shown = kind.shown(self._context(), prior, present)
        if shown is None:
            return None
        answer = conform(block, shown)
        return answer if kind.takes_all else read(block, prior, answer, new=new)

    def _schemas(self) -> dict[str, Any]:
        if not self._session.schemas:
            self._session.schemas = derive.schemas(self._settings.cache / "provider", self._provider.binding)
        return self._session.schemas

    def _block(self, name: str) -> dict[str, Any]:
        block: dict[str, Any] = self._schemas()["resources"][name]["block"]
        return block

    def _object(self, name: str, value: Any) -> Any:
        """A value of a modelled type, or None."""
        self._kind(name)
        return decode_object(name, self._block(name), value.msgpack)

    def _context(self) -> Context:
        if self._session.context is None:
            raise SandboxError("the provider is not configured")
        return self._session.context

    def _kind(self, name: str) -> Kind:
        kinds = self._provider.kinds
        if name not in kinds:
            raise SandboxError(f"the sandbox does not model {name}; it models {', '.join(sorted(kinds))}")
        return kinds[name]


_CAPABILITIES = pb.ServerCapabilities(get_provider_schema_optional=True)


def _dynamic(value: Object | None) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=encode(value))


def _diagnostic(refusal: Refusal) -> pb.Diagnostic:
    return protocol.error(refusal.summary, refusal.detail, refusal.steps)
