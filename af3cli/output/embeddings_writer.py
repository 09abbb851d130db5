"""Adds entries to an embedding file: each whole or not at all, none twice, one writer at a time."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np
from jaxtyping import Float32, Shaped

from af3cli.disk import CAN_GO_ON, output_errors
from af3cli.errors import OutputError
from af3cli.locking import only_writer
from af3cli.output import append_only
from af3cli.output.embeddings_arrays import write_array
from af3cli.output.embeddings_format import (
    COMPLETE,
    FORMAT,
    FORMAT_VERSION,
    IDENTITY,
    EntryHeader,
    FileHeader,
    damage_told,
    encode_tokens,
)
from af3cli.output.uninterrupted import uninterrupted
from af3cli.whole_files import make_folder
from af3cli.wording import difference

# Bytes of an entry besides its arrays and tokens: its own tables, and the list of all entries that
# it supersedes. The list's part hardly grows: from 6.5 kB to 7.5 kB of the 10,000th entry.
ENTRY_OVERHEAD = 14_000


class EmbeddingsWriter:
    """An embedding file open for adding, to be used in a `with` block.

    A process may be killed, or a disk fill up, at any moment: the file then holds every entry for
    which `write` has returned.
    """

    def __init__(self, path: str | Path, header: FileHeader, *, overwrite: bool = False) -> None:
        """Says what the file is to hold; `overwrite` lets `write` replace entries.

        Of a link, the file that it leads to is written and locked.
        """
        self.path = Path(os.path.realpath(path))
        self._header = header
        self._overwrite = overwrite
        self._entries: dict[str, dict[str, object]] = {}
        self._created: str | None = None
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        """Locks the file, makes it if it is not there, and reads what it holds.

        Raises:
            OutputError: another process writes it; it is no embedding file, or one that nothing can
                be added to; or other parameters, recycles or precision made it.
        """
        if self.path.is_dir():
            raise OutputError(f"{self.path} is a folder; give the name of a file, such as emb.h5")
        try:
            make_folder(self.path.parent)
            with output_errors(self.path):
                self._resources.enter_context(only_writer(self.path))
                if self.path.exists():
                    self._read_existing()
                else:
                    append_only.create(self.path, self._header.attributes())
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.close()

    def is_finished(self, entry: EntryHeader) -> bool:
        """Returns whether the file holds this very entry; always false when overwriting.

        Raises:
            OutputError: it holds an entry of this name that was made from something else.
        """
        held = self._entries.get(entry.name)
        if held is None or self._overwrite:
            return False
        wanted = _comparable(entry.attributes())
        differences = [
            difference(text, held.get(name), wanted.get(name))
            for name, text in IDENTITY.items()
            if held.get(name) != wanted.get(name)
        ]
        if differences:
            raise OutputError(
                f"{self.path} already has an entry {entry.name!r} that differs in "
                f"{'; '.join(differences)}. Give the job another name, write to another file, or "
                "replace the entry with --overwrite."
            )
        return True

    def write(
        self,
        entry: EntryHeader,
        tokens: Shaped[np.ndarray, "token"],
        arrays: Mapping[str, Float32[np.ndarray, "..."]],
    ) -> None:
        """Adds one entry; when this returns it is on the disk.

        `tokens` is the token table, a structured array; `arrays` has those of `entry.include`.

        Raises:
            UnstorableError: an array holds values that must not be stored; the file is unchanged.
            OutputError: the bytes cannot be written; the file is unchanged.
        """

        def fill(group: h5py.Group) -> None:
            group.attrs.update(entry.attributes())
            group.create_dataset("tokens", data=encode_tokens(tokens))
            for name in entry.include:
                write_array(group, name, arrays[name], entry.dtype, f"{entry.name}: {name}")
            group.attrs["status"] = COMPLETE

        def inspect(group: h5py.Group) -> None:
            shapes = {name: group[name].shape[0] for name in ("tokens", *entry.include)}
            if set(shapes.values()) != {entry.num_tokens} or group.attrs["status"] != COMPLETE:
                raise OutputError(f"{entry.name} was not written whole: {shapes} rows")

        attributes = self._header.attributes(self._created)
        with output_errors(self.path, CAN_GO_ON):
            uninterrupted(
                lambda: append_only.add_group(self.path, entry.name, fill, attributes, inspect)
            )
        self._entries[entry.name] = _comparable(entry.attributes())

    def _read_existing(self) -> None:
        try:
            with h5py.File(self.path, "r") as file, damage_told(self.path):
                self._check_header(file.attrs)
                self._created = file.attrs["created"]
                self._entries = {name: _comparable(file[name].attrs) for name in file}
        except OSError as error:
            raise OutputError(
                f"{self.path} is there and cannot be read as HDF5 ({error}); it was left alone"
            ) from error
        append_only.check(self.path)

    def _check_header(self, attributes: Mapping[str, object]) -> None:
        if attributes.get("format") != FORMAT:
            raise OutputError(f"{self.path} is there and is not an embedding file; it was left")
        if attributes["format_version"] != FORMAT_VERSION:
            raise OutputError(
                f"{self.path} has format version {attributes['format_version']}, and this program "
                f"writes version {FORMAT_VERSION}; write to another file"
            )
        differences = [
            difference(name, attributes.get(name, ""), value)
            for name, value in dataclasses.asdict(self._header).items()
            if attributes.get(name, "") != value
        ]
        if differences:
            raise OutputError(
                f"{self.path} was made with other settings: {'; '.join(differences)}. A file holds "
                "embeddings that can be compared with each other; write to another file."
            )


def _comparable(attributes: Mapping[str, object]) -> dict[str, object]:
    """Returns attributes with arrays as tuples."""
    return {
        name: tuple(value.tolist()) if isinstance(value, np.ndarray) else value
        for name, value in attributes.items()
    }
