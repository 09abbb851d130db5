"""Files of recorded arrays, and what is said where a file or an array in it is missing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np


class NotRecordedError(Exception):
    """A case cannot be compared: something that the comparison starts from is not there."""


class RecordedArrays(dict[str, np.ndarray]):
    """The arrays in a file, by name; asking for one that it lacks raises `NotRecordedError`."""

    def __init__(self, path: Path) -> None:
        """Reads the file; raises `NotRecordedError` if it is not there or cannot be read."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                super().__init__(arrays)
        except FileNotFoundError:
            raise NotRecordedError(f"{path} is not there") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise NotRecordedError(f"{path} cannot be read: {error}") from None
        self._path = path

    def __missing__(self, name: str) -> np.ndarray:
        raise NotRecordedError(f"{self._path} has no array {name}")
