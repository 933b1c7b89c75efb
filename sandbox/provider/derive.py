"""Resource schemas read off the installed cdktf binding.

A wheel ``cdktf-cdktf-provider-<name>`` carries its generated JavaScript, and each file's source map carries the
TypeScript it was compiled from.  That text says, per attribute, its type, nesting and whether it is computed,
optional or required.  It does not say which attributes are sensitive, the schema's version, or an upper limit of a
block other than 1: those few facts stand in ``facts.py``, and in ``azure/facts.py``.

Shape of a schema here (and in the cache) is the one of ``terraform providers schema -json``::

    {"version": 0, "block": {"attributes": {name: {"type": ..., "optional": true}}, "block_types": {name: {...}}}}
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from sandbox.provider import facts
from sandbox.whole import whole

_GETTERS: dict[str, Any] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}
_PRIVATES: dict[str, Any] = {"string": "string", "number": "number", "boolean": "bool", "string[]": ["list", "string"]}

_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) ", re.M)
_INTERFACE = re.compile(r"^export interface (\w+) .*?\{\n(.*?)^\}", re.M | re.S)
_MAPPER = re.compile(r"^export function (\w+)ToHclTerraform\((.*?)^\}", re.M | re.S)
_MEMBER = re.compile(r"^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n", re.M)
_NESTED = re.compile(r'= new (\w+?)(List|OutputReference)\(this, "\w+"(?:, (true|false))?\)')
_GETTER = re.compile(r"(cdktf\.Fn\.tolist\()?this\.(get\w+Attribute)\('")
_PRIVATE = re.compile(r"private _\w+\?: ([\w\[\]]+)")
_BLOCK_DOC = re.compile(r"^  \* (\w+) block$", re.M)
_STRUCT = re.compile(r'(\w+): \{\s+value: [^\n]*\n\s+isBlock: true,\n\s+type: "struct"')
_OF_STRUCTS = re.compile(r"private _\w+\?: (\w+)\[\] \|")
_MAPPED = re.compile(
    r"^    (\w+): \{\n      value: cdktf\.(?:listMapperHcl\((\w+)ToHclTerraform)?.*\n"
    r"      isBlock: (true|false),\n      type: \"(\w+)\",\n      storageClassType: \"(\w+)\"",
    re.M,
)
_STORAGE: dict[str, Any] = {"boolean": "bool", "number": "number", "string": "string"}
_TYPE_NAME = re.compile(r'tfResourceType = "(\w+)"')


@dataclass(frozen=True)
class Binding:
    """One installed provider binding, and the facts about its schemas that it does not carry."""

    name: str  # of the provider
    versions: dict[str, int]
    sensitive: dict[str, list[str]]
    max_items: dict[str, dict[str, int]]
    also_computed: dict[str, list[str]] = field(default_factory=dict)
    write_only: dict[str, list[str]] = field(default_factory=dict)
    framework: frozenset[str] = frozenset()
    only: frozenset[str] | None = None  # the resource types to read; None reads all

    @property
    def distribution(self) -> str:
        """The package's name."""
        return f"cdktf-cdktf-provider-{self.name}"

    def reads(self, folder: str) -> bool:
        """Whether a folder of the binding's archive is wanted."""
        if folder.startswith(f"data-{self.name}-"):
            return False
        return self.only is None or folder == "provider" or f"{self.name}_{folder.replace('-', '_')}" in self.only


DATABRICKS = Binding(
    name="databricks",
    versions=facts.SCHEMA_VERSIONS,
    sensitive=facts.SENSITIVE,
    max_items=facts.MAX_ITEMS,
    also_computed=facts.ALSO_COMPUTED,
    framework=facts.PLUGIN_FRAMEWORK,
)


class BindingError(RuntimeError):
    """The installed binding is not one that this reader understands; says what was looked for and where."""


@dataclass(frozen=True)
class _Text:
    """The TypeScript of one resource, cut up: classes, interfaces and mapper functions by name."""

    classes: dict[str, str]
    interfaces: dict[str, str]
    mappers: dict[str, str]

    @staticmethod
    def cut(text: str) -> _Text:
        """Cut ``text`` (all files of one resource, joined)."""
        found = list(_CLASS.finditer(text))
        ends = [match.start() for match in found[1:]] + [len(text)]
        return _Text(
            classes={match[1]: text[match.start() : end] for match, end in zip(found, ends, strict=True)},
            interfaces=dict(_INTERFACE.findall(text)),
            mappers=dict(_MAPPER.findall(text)),
        )


def schemas(cache: Path, binding: Binding = DATABRICKS) -> dict[str, Any]:
    """``{"provider": schema, "resources": {type: schema}}`` of the installed binding, kept in ``cache`` by its hash."""
    archive, version, fingerprint = _archive(binding)
    path = cache / f"{binding.name}-{version}-{fingerprint}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    except (FileNotFoundError, json.JSONDecodeError):
        pass
    found = derive(archive, binding)
    with whole(path) as half:
        half.write_text(json.dumps(found, separators=(",", ":"), sort_keys=True))
    return found


def derive(archive: Path, binding: Binding = DATABRICKS) -> dict[str, Any]:
    """Read every wanted resource type and the provider's own configuration out of the binding's archive."""
    resources: dict[str, Any] = {}
    provider: dict[str, Any] | None = None
    for folder, joined in _sources(archive, binding).items():
        text = _Text.cut(joined)
        for name, body in text.classes.items():
            type_name = _TYPE_NAME.search(body)
            if folder == "provider":
                provider = {"block": _Reader(binding, "provider", text).block(name, ()), "version": 0}
                provider["block"]["attributes"].pop("alias")  # terraform's own, not the provider's
            elif type_name:
                block = _Reader(binding, type_name[1], text).block(name, ())
                resources[type_name[1]] = {"block": block, "version": binding.versions.get(type_name[1], 0)}
    if provider is None or not resources:
        raise BindingError(f"{archive.name}: no provider or no resource found in {binding.distribution}")
    return {"provider": provider, "resources": resources}


def _archive(binding: Binding) -> tuple[Path, str, str]:
    """The archive of JavaScript inside the binding, the binding's version, a fingerprint of it and of what we add."""
    name = binding.distribution
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise BindingError(f"package {name} is not installed; `make test` installs it") from None
    entries = [entry for entry in distribution.files or [] if entry.name.endswith(".jsii.tgz")]
    if len(entries) != 1:
        raise BindingError(f"{name} {distribution.version}: expected one _jsii/*.tgz, found {len(entries)}")
    content = entries[0].hash.value if entries[0].hash else ""
    added = [binding.versions, binding.sensitive, binding.max_items, binding.also_computed, binding.write_only]
    sets = [sorted(binding.framework), sorted(binding.only or ())]
    own = Path(__file__).read_bytes() + json.dumps([added, sets], sort_keys=True).encode()
    fingerprint = hashlib.sha256(content.encode() + own).hexdigest()[:12]
    return Path(str(distribution.locate_file(entries[0]))), distribution.version, fingerprint


def _sources(archive: Path, binding: Binding) -> dict[str, str]:
    """TypeScript per wanted folder of the archive's ``lib``."""
    folders: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if not member.name.endswith(".js") or len(parts) < 4 or not binding.reads(parts[2]):
                continue
            handle = tar.extractfile(member)
            script = handle.read() if handle else b""
            start = script.rfind(b"base64,")
            if start >= 0:
                text = "\n".join(json.loads(base64.b64decode(script[start + 7 :]))["sourcesContent"])
                folders[parts[2]] = folders.get(parts[2], "") + "\n" + text
    return folders


@dataclass(frozen=True)
class _Reader:
    binding: Binding
    type_name: str
    text: _Text

    def block(self, class_name: str, path: tuple[str, ...], inside_computed: bool = False) -> dict[str, Any]:
        """Attributes and nested blocks of one class; ``path`` is where it stands in the resource.

        The binding calls everything inside a computed attribute computed; there, what may also be set is not.
        """
        body = self.text.classes[class_name]
        struct = class_name.removesuffix("OutputReference")
        if path:
            mapper = self.text.mappers.get(struct[0].lower() + struct[1:], "")
            interface = self.text.interfaces.get(struct, "")
        else:
            mapper, interface = body, self.text.interfaces.get(f"{class_name}Config", "")
        blocks, structs = set(_BLOCK_DOC.findall(interface)), set(_STRUCT.findall(mapper))
        found: dict[str, dict[str, Any]] = {"attributes": {}, "block_types": {}}
        members = list(_MEMBER.finditer(body))
        ends = [match.start() for match in members[1:]] + [len(body)] * bool(members)
        for match, end in zip(members, ends, strict=True):
            key, source = match[1], body[match.end() : end]
            words = zip(("computed", "optional", "required"), match.groups()[1:], strict=True)
            flags: dict[str, Any] = {word: True for word, value in words if value == "true"}
            here = (*path, key)
            if (
                inside_computed
                and len(flags) > 1
                and ".".join(here) not in self.binding.also_computed.get(self.type_name, ())
            ):
                del flags["computed"]
            nested = _NESTED.search(source)
            if nested and key in blocks:
                found["block_types"][key] = self._nested_block(nested, flags, key in structs, here)
            elif key in blocks and (structs_of := _OF_STRUCTS.search(source)):
                found["block_types"][key] = {"block": self._mapped(structs_of[1]), "nesting_mode": "list"}
                found["block_types"][key] |= {"min_items": 1} if "required" in flags else {}
            elif nested:
                found["attributes"][key] = flags | self._nested_attribute(nested, flags, here)
            else:
                found["attributes"][key] = flags | {"type": self._type(source, here)}
            for word in ("sensitive", "write_only"):
                if ".".join(here) in getattr(self.binding, word).get(self.type_name, ()):
                    found["attributes"][key][word] = True
        return {key: value for key, value in found.items() if value}

    def _nested_block(
        self, nested: re.Match[str], flags: dict[str, Any], single: bool, path: tuple[str, ...]
    ) -> dict[str, Any]:
        block = self.block(f"{nested[1]}OutputReference", path)
        if single:
            return {"block": block, "nesting_mode": "single"}
        out: dict[str, Any] = {"block": block, "nesting_mode": "set" if nested[3] == "true" else "list"}
        limit = (
            1 if nested[2] == "OutputReference" else self.binding.max_items.get(self.type_name, {}).get(".".join(path))
        )
        if limit:
            out["max_items"] = limit
        if "required" in flags:
            out["min_items"] = 1
        return out

    def _mapped(self, struct: str) -> dict[str, Any]:
        """A block of the provider's own configuration: it has no class, only the function that writes it."""
        mapper = self.text.mappers[struct[0].lower() + struct[1:]]
        required = {name.lower() for name in re.findall(r"^  readonly (\w+): ", self.text.interfaces[struct], re.M)}
        found: dict[str, dict[str, Any]] = {"attributes": {}, "block_types": {}}
        for key, inner, is_block, kind, storage in _MAPPED.findall(mapper):
            if is_block == "true":
                block = self._mapped(inner[0].upper() + inner[1:])
                found["block_types"][key] = {"block": block, "nesting_mode": kind}
                continue
            if kind != "simple" or storage not in _STORAGE:
                raise BindingError(f"{self.type_name}: the binding gives {struct}.{key} a type that is not known here")
            flag = "required" if key.replace("_", "") in required else "optional"
            found["attributes"][key] = {flag: True, "type": _STORAGE[storage]}
        return {key: value for key, value in found.items() if value}

    def _nested_attribute(self, nested: re.Match[str], flags: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        block = self.block(f"{nested[1]}OutputReference", path, inside_computed="computed" in flags)
        mode = "single" if nested[2] == "OutputReference" else "set" if nested[3] == "true" else "list"
        if self.type_name in self.binding.framework:
            return {"nested_type": {"attributes": block.get("attributes", {}), "nesting_mode": mode}}
        return {"type": [mode, _object(block)]}

    def _type(self, source: str, path: tuple[str, ...]) -> Any:
        getter = _GETTER.search(source)
        if getter and getter[2] in _GETTERS:
            found = _GETTERS[getter[2]]
            return ["set", found[1]] if getter[1] else found
        if "= new cdktf.StringMap(" in source:
            return ["map", "string"]
        private = _PRIVATE.search(source)
        if private and private[1] in _PRIVATES:
            return _PRIVATES[private[1]]
        raise BindingError(f"{self.type_name}: the binding gives {'.'.join(path)} a type that is not known here")


def _object(block: dict[str, Any]) -> list[Any]:
    return ["object", {key: value["type"] for key, value in block.get("attributes", {}).items()}]
