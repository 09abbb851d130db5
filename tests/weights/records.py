"""Parameter files in the official format, read whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from af3cli.weights.records import Record, open_records


def read_records(path: Path) -> Iterator[Record]:
    """Yields all arrays of the file at `path`."""
    with open_records(path) as reader:
        yield from reader
