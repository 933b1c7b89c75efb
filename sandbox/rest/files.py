"""Files and folders on volumes; reading needs READ VOLUME, writing WRITE VOLUME."""

from __future__ import annotations

import hashlib
import shutil
from email.utils import formatdate
from pathlib import Path

from werkzeug.wrappers import Response

from sandbox.errors import SandboxError, ServiceError
from sandbox.privileges import Securable
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid, missing, page
from sandbox.whole import whole

ROUTES = Routes()
_FILES, _FOLDERS = "/api/2.0/fs/files", "/api/2.0/fs/directories"
_CHUNK = 1 << 20


def _local(ask: Ask, path: str, privilege: str) -> tuple[str, Path]:
    """The whole path and the file that stands for it; its volume must exist, the caller hold ``privilege``."""
    full = "/" + path.strip("/")
    parts = full.split("/")
    if parts[1] != "Volumes" or len(parts) < 5 or any(part in ("", ".", "..") for part in parts[2:]):
        raise invalid(f"'{full}' is no path on a volume; valid: /Volumes/<catalog>/<schema>/<volume>/...")
    name = ".".join(parts[2:5])
    ask.resources.need("databricks_volume", name)
    ask.caller.need(privilege, Securable("volume", name))
    try:
        return full, ask.workspace.volume_path(full)
    except SandboxError as error:
        raise invalid(str(error)) from None


@ROUTES.at("PUT", f"{_FILES}/<path:path>")
def put(ask: Ask, path: str) -> Response:
    """Write a file: whole or not at all. Without ``overwrite`` an existing one is left alone."""
    full, target = _local(ask, path, "WRITE_VOLUME")
    if len(full.split("/")) < 6 or target.is_dir():
        raise invalid(f"'{full}' is a folder")
    if target.exists() and ask.query.get("overwrite", "").lower() == "false":
        raise ServiceError("ALREADY_EXISTS", f"The file {full} already exists; overwrite=true replaces it.")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with whole(target) as half, half.open("wb") as handle:
            while chunk := ask.raw.stream.read(_CHUNK):
                digest.update(chunk)
                handle.write(chunk)
    except OSError as error:
        raise ServiceError("INTERNAL_ERROR", f"{full} cannot be written: {error.strerror}") from None
    _record(ask, full, target, digest.hexdigest())
    return Response(status=204)


def _record(ask: Ask, full: str, target: Path, md5: str) -> None:
    """The entry that the plugin door makes of a file, its content left out: that is on the volume."""
    seen = target.stat()
    body = dict.fromkeys(ask.resources.block("databricks_file")["attributes"]) | {
        "id": full,
        "path": full,
        "md5": md5,
        "file_size": seen.st_size,
        "modification_time": str(seen.st_mtime_ns),
    }
    store = ask.workspace.store
    if store.read("databricks_file", full):
        store.update("databricks_file", full, body)
    else:
        store.create("databricks_file", full, body)


@ROUTES.at("GET", f"{_FILES}/<path:path>")
def get(ask: Ask, path: str) -> Response:
    """The bytes, or only what is known of them; a range when one is asked for."""
    full, target = _local(ask, path, "READ_VOLUME")
    if not target.is_file():
        raise missing("The file", full)
    seen = target.stat()
    handle = target.open("rb")
    response = Response(handle, mimetype="application/octet-stream", direct_passthrough=True)
    response.content_length = seen.st_size
    response.headers["Last-Modified"] = formatdate(seen.st_mtime, usegmt=True)
    if ask.raw.method == "HEAD":
        handle.close()
        response.set_data(b"")
        response.content_length = seen.st_size
        return response
    response.make_conditional(ask.raw, accept_ranges=True, complete_length=seen.st_size)
    return response


@ROUTES.at("DELETE", f"{_FILES}/<path:path>")
def delete(ask: Ask, path: str) -> Response:
    """Remove a file."""
    full, target = _local(ask, path, "WRITE_VOLUME")
    if not target.is_file():
        raise missing("The file", full)
    target.unlink()
    ask.workspace.store.delete("databricks_file", full)
    return Response(status=204)


@ROUTES.at("GET", f"{_FOLDERS}/<path:path>", DOCUMENTED)
def listing(ask: Ask, path: str) -> Object:
    """What is in a folder, by name."""
    full, target = _local(ask, path, "READ_VOLUME")
    if not target.is_dir():
        raise missing("The directory", full)
    found = []
    for child in sorted(target.iterdir()):
        seen = child.stat()
        entry: Object = {"path": f"{full}/{child.name}", "name": child.name, "is_directory": child.is_dir()}
        if child.is_file():
            entry |= {"file_size": seen.st_size, "last_modified": int(seen.st_mtime * 1000)}
        found.append(entry)
    return page(ask, "contents", found, 1000, 1000)


@ROUTES.at("PUT", f"{_FOLDERS}/<path:path>", DOCUMENTED)
def make_folder(ask: Ask, path: str) -> Response:
    """Make a folder with its parents; one that is there is left as it is."""
    full, target = _local(ask, path, "WRITE_VOLUME")
    if target.is_file():
        raise ServiceError("ALREADY_EXISTS", f"{full} is a file")
    target.mkdir(parents=True, exist_ok=True)
    return Response(status=204)


@ROUTES.at("DELETE", f"{_FOLDERS}/<path:path>", DOCUMENTED)
def remove_folder(ask: Ask, path: str) -> Response:
    """Remove an empty folder."""
    full, target = _local(ask, path, "WRITE_VOLUME")
    if not target.is_dir():
        raise missing("The directory", full)
    if len(full.split("/")) < 6:
        raise invalid(f"'{full}' is a volume; it is removed with the volume")
    if any(target.iterdir()):
        raise ServiceError("DIRECTORY_NOT_EMPTY", f"The directory {full} is not empty.")
    shutil.rmtree(target)
    return Response(status=204)
