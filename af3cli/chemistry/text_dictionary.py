"""A whole dictionary as mmCIF text, plain or gzipped, such as wwPDB's `components.cif`."""

from __future__ import annotations

import gzip
import mmap
import re
import tempfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from af3cli.chemistry.component import Component
from af3cli.chemistry.text_components import components_from_text
from af3cli.disk import reading_errors
from af3cli.errors import InputError

MAX_BYTES = 4 * 2**30
_BLOCK = re.compile(rb"^data_(\S+)", re.MULTILINE)
_TYPE = re.compile(r"^_chem_comp\.type\s+(?:'([^']*)'|\"([^\"]*)\"|(\S+))", re.MULTILINE)
_DATE = re.compile(rb"^_chem_comp\.pdbx_modified_date\s+(\d{4}-\d\d-\d\d)", re.MULTILINE)


class TextDictionary:
    """Components of a text file, each read when it is asked for.

    Opening a dictionary of 450 MB takes about a second, and some more if it is gzipped: it is then
    unpacked into a temporary file.
    """

    def __init__(self, path: Path) -> None:
        """Finds the components; raises `InputError` if the file is not such a dictionary."""
        self.path = path
        try:
            with (
                reading_errors(InputError, path),
                path.open("rb") as file,
                _unpacked(file, path) as plain,
            ):
                self._text = mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise InputError(f"{path}: is empty") from error
        starts = [(match[1].decode(), match.start()) for match in _BLOCK.finditer(self._text)]
        if not starts:
            raise InputError(f"{path}: has no component (no line begins with data_)")
        stops = [start for _, start in starts[1:]] + [len(self._text)]
        self.rows = {
            code: slice(start, stop) for (code, start), stop in zip(starts, stops, strict=True)
        }

    @cached_property
    def newest_date(self) -> str:
        """The newest date (ISO) on which a component was modified, "" if none is given."""
        return max((match[1].decode() for match in _DATE.finditer(self._text)), default="")

    def read_type(self, code: str) -> str:
        """Returns a component's type in upper case."""
        match = _TYPE.search(self._block(code))
        return next(filter(None, match.groups()), "").upper() if match else ""

    def read(self, code: str) -> Component:
        """Returns the component; `code` must be one of `rows`."""
        return components_from_text(self._block(code), str(self.path))[code]

    def _block(self, code: str) -> str:
        return self._text[self.rows[code]].decode("utf-8", "replace")


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    """Returns the file, or a temporary one with its content if it is gzipped."""
    is_gzip = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if not is_gzip:
        return file
    plain, size = tempfile.TemporaryFile(), 0  # noqa: SIM115 (the caller closes it)
    try:
        with gzip.open(file) as packed:
            while piece := packed.read(2**20):
                size += len(piece)
                if size > MAX_BYTES:
                    raise InputError(f"{path}: unpacks to more than {MAX_BYTES // 2**30} GiB")
                plain.write(piece)
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file: {error}") from error
    plain.flush()
    return plain
