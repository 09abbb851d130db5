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
