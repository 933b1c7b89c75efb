"""What a deployment puts on the artifact volume, by path: the same below `dist` and below the volume."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import names, wheel
from infra.clusters import Cluster
from workflows.canonical import canonical, digest
from workflows.discover import Catalogue


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """code: the wheel's 12 digits. entry_points: those it has. *_paths: name -> path. contents: path -> content."""

    code: str
    entry_points: frozenset[str]
    requirements_paths: Mapping[str, str]
    declaration_paths: Mapping[str, str]
    contents: Mapping[str, str]

    @property
    def wheel_path(self) -> str:
        """Where the wheel lies."""
        return names.wheel(self.code)


def delivery(catalogue: Catalogue, clusters: Mapping[str, Cluster], root: Path = wheel.ROOT) -> Delivery:
    """Everything a deployment of `catalogue` delivers; reads sources, writes nothing.

    Of the clusters, only what a declaration uses has libraries to install.
    """
    contents: dict[str, str] = {}
    requirements, declarations = {}, {}
    for cluster in (clusters[name] for name in sorted({one.cluster for one in catalogue.declarations})):
        hashed = hashlib.sha256(cluster.requirements.encode()).hexdigest()
        path = requirements[cluster.name] = names.requirements(cluster.name, hashed)
        contents[path] = cluster.requirements
    for one in catalogue.declarations:
        path = declarations[one.name] = names.declaration(one.name, digest(one))
        contents[path] = canonical(one)
    return Delivery(code=wheel.code_hash(root), entry_points=frozenset(wheel.entry_points(root)), contents=contents,
                    requirements_paths=requirements, declaration_paths=declarations)  # fmt: skip


def write(made: Delivery, dist: Path, root: Path = wheel.ROOT) -> None:
    """Write it below `dist`; what is there already stays untouched, since its path names its content."""
    for path, content in made.contents.items():
        target = dist / path
        if not target.is_file() or target.read_text(encoding="utf-8") != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
    wheel.build(dist, root)
