"""Files of parameters: their parts, reading them as one, their digest, writing them aside."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from af3cli.errors import WeightsError
from af3cli.whole_files import written_aside

TORCH_SUFFIXES = (".pt", ".pth", ".ckpt")

# A model in one file or in numbered parts, in the order in which the official program looks.
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<model>.+)\.(?P<part>\d+)\.bin\.zst",
        r"(?P<model>.+)\.bin\.zst\.(?P<part>\d+)",
        r"(?P<model>.+)\.(?P<part>\d+)\.bin",
        r"(?P<model>.+)\.bin\.(?P<part>\d+)",
        r"(?P<model>.+)\.bin\.zst",
        r"(?P<model>.+)\.bin",
    )
)


def parameter_files(path: Path) -> list[Path]:
    """Returns the files that make up the official parameters at `path`, in order.

    `path` is a file, one part of a split file (`af3.0.bin.zst`, `af3.bin.zst.0`, …), or a folder
    that holds one model in any of these forms.

    Raises:
        WeightsError: there is none, there are several models, or a part is missing.
    """
    if path.is_dir():
        return _model_in_folder(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file or folder of parameters")
    for form in _FORMS:
        match = form.fullmatch(path.name)
        if match and "part" in match.groupdict():
            return _grouped(path.parent, form)[match["model"]]
    return [path]


def find_model(folder: Path, stem: str) -> Path | None:
    """Returns the first file of the official parameters called `stem` in `folder`, if there."""
    for form in _FORMS:
        if parts := _grouped(folder, form).get(stem):
            return parts[0]
    return None


def _model_in_folder(folder: Path) -> list[Path]:
    for form in _FORMS:
        models = _grouped(folder, form)
        if len(models) > 1:
            names = ", ".join(sorted(str(parts[0]) for parts in models.values()))
            raise WeightsError(f"{folder} holds several models; name one of them: {names}")
        if models:
            return next(iter(models.values()))
    raise WeightsError(f"{folder} holds no parameters (no .bin or .bin.zst file)")


def _grouped(folder: Path, form: re.Pattern[str]) -> dict[str, list[Path]]:
    """Returns each model's files of one form, in the numerical order of their parts."""
    models: dict[str, dict[int, Path]] = {}
    for file in sorted(folder.iterdir()):
        if (match := form.fullmatch(file.name)) and file.is_file():
            models.setdefault(match["model"], {})[int(match.groupdict().get("part") or 0)] = file
    for parts in models.values():
        missing = set(range(min(min(parts), 1), max(parts))) - set(parts)
        if missing:
            raise WeightsError(
                f"{parts[max(parts)]}: part {min(missing)} of this split file is missing"
            )
    return {model: [parts[number] for number in sorted(parts)] for model, parts in models.items()}


class JoinedFiles(io.RawIOBase):
    """Several files read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.size = sum(path.stat().st_size for path in paths)
        self._files: list[BinaryIO] = [path.open("rb", buffering=0) for path in paths]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        count = 0
        while self._files and not (count := self._files[0].readinto(buffer)):
            self._files.pop(0).close()
        return count

    def read(self, size: int = -1) -> bytes:
        """Returns up to `size` bytes, without the copies that `io.RawIOBase` makes."""
        chunk = b""
        while self._files and not (chunk := self._files[0].read(size)):
            self._files.pop(0).close()
        return chunk

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()


def files_digest(paths: Sequence[Path]) -> Future[str]:
    """Returns the sha256 of files one after the other, computed while other things go on."""

    def compute() -> str:
        with JoinedFiles(paths) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    pool = ThreadPoolExecutor(max_workers=1)
    digest = pool.submit(compute)
    pool.shutdown(wait=False)
    return digest


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing that is at `path` when all went well.

    Raises:
        WeightsError: the file cannot be written.
    """
    try:
        with written_aside(path) as aside, aside.open("wb") as file:
            yield file
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror}") from error
