"""Recognises a delivered folder as a source and opens its files. Standard library only."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workflows.source import Delivery, Source
from workflows.sources import named, names


class DeliveryError(ValueError):
    """A folder that is no source, or a file of it that cannot be read: one line that says what was looked for."""


def present(delivery: Delivery, folder: Path) -> Path | None:
    """The delivered file, or None where it is not there."""
    return next((folder / name for name in delivery.files if (folder / name).is_file()), None)


def needed(delivery: Delivery, folder: Path) -> Path:
    """The delivered file; raises DeliveryError where it is not there."""
    path = present(delivery, folder)
    if path is None:
        raise DeliveryError(f"{folder}: {' or '.join(delivery.files)} is missing")
    return path


def looked_for(source: Source) -> str:
    """What a folder must hold to be this source."""
    return f"{source.name} ({', '.join(' or '.join(delivery.files) for delivery in source.deliveries)})"


def recognise(folder: Path) -> Source:
    """The source whose files `folder` holds, each of them readable; raises DeliveryError otherwise."""
    if not folder.is_dir():
        raise DeliveryError(f"{folder} is not a folder")
    # One shape may lie inside another: the source of which most is there is meant.
    sources = sorted((named(name) for name in names()), key=lambda source: -len(source.deliveries))
    for source in sources:
        if all(present(delivery, folder) for delivery in source.deliveries):
            for delivery in source.deliveries:
                verify(delivery, folder)
            return source
    raise DeliveryError(f"{folder} is no source; looked for {'; '.join(map(looked_for, sources))}")


def verify(delivery: Delivery, folder: Path) -> None:
    """Raise DeliveryError unless the delivered file is whole; a zip's checksums are read once."""
    path = needed(delivery, folder)
    if delivery.member is None:
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if delivery.member not in archive.namelist():
                raise DeliveryError(f"{path} holds no {delivery.member}; it holds {', '.join(archive.namelist())}")
            if (damaged := archive.testzip()) is not None:
                raise DeliveryError(f"{path} is damaged: {damaged} does not match its checksum; deliver it again")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DeliveryError(f"{path} is not a whole zip file ({error}); deliver it again") from error


@contextmanager
def opened(delivery: Delivery, folder: Path) -> Iterator[IO[bytes]]:
    """The delivered CSV as a stream of bytes: header line first, every value as text, an empty value is null."""
    path = needed(delivery, folder)
    if delivery.member is None:
        with path.open("rb") as stream:
            yield stream
    else:
        with zipfile.ZipFile(path) as archive, archive.open(delivery.member) as stream:
            yield stream
