"""Which files are one model: a file or its numbered parts, alone or in a folder."""

from __future__ import annotations

import re
from pathlib import Path

from af3cli.errors import WeightsError

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
            return _in_order(_numbered(path.parent, form)[match["model"]])
    return [path]


def model_stem(path: Path) -> str:
    """Returns what a file of the official parameters is called without its endings."""
    matches = (form.fullmatch(path.name) for form in _FORMS)
    return next((match["model"] for match in matches if match), path.stem)


def find_model(folder: Path, stem: str) -> Path | None:
    """Returns the first file of the official parameters called `stem` in `folder`, if there."""
    for form in _FORMS:
        if parts := _numbered(folder, form).get(stem):
            return _in_order(parts)[0]
    return None


def models_in(folder: Path) -> dict[str, list[Path]]:
    """Returns the files of each model of the official form in `folder`, by what it is called.

    Of a model in several forms, it is the first.
    """
    models: dict[str, list[Path]] = {}
    for form in _FORMS:
        for stem, parts in _numbered(folder, form).items():
            files = [file for _, file in sorted(parts)]
            if model_stem(files[0]) == stem:  # a part of a split file is no model of its own
                models.setdefault(stem, files)
    return models


def _model_in_folder(folder: Path) -> list[Path]:
    models = models_in(folder)
    if len(models) > 1:
        names = ", ".join(sorted(str(files[0]) for files in models.values()))
        raise WeightsError(f"{folder} holds several models; name one of them: {names}")
    if not models:
        raise WeightsError(f"{folder} holds no parameters (no .bin or .bin.zst file)")
    (files,) = models.values()
    return parameter_files(files[0])


def _numbered(folder: Path, form: re.Pattern[str]) -> dict[str, list[tuple[int, Path]]]:
    """Returns each model's files of one form, each with the number of its part."""
    models: dict[str, list[tuple[int, Path]]] = {}
    for file in folder.iterdir():
        if (match := form.fullmatch(file.name)) and file.is_file():
            number = int(match.groupdict().get("part") or 0)
            models.setdefault(match["model"], []).append((number, file))
    return models


def _in_order(parts: list[tuple[int, Path]]) -> list[Path]:
    """Returns the files of a model, whose numbers run from 0 or 1 without a gap."""
    parts = sorted(parts)
    files = [file for _, file in parts]
    first = min(parts[0][0], 1)
    for index, (number, file) in enumerate(parts):
        if number < first + index:
            raise WeightsError(
                f"{files[index - 1]} and {file} are the same part of a split file; "
                "move one of them elsewhere"
            )
        if number > first + index:
            raise WeightsError(f"{files[-1]}: part {first + index} of this split file is missing")
    return files
