"""`af3 weights get`: the files of a model of the catalogue, in the user's cache."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from af3cli.disk import output_errors
from af3cli.download import Progress, copy_file, download, forget_download, no_progress
from af3cli.errors import OutputError, WeightsError
from af3cli.locking import only_writer
from af3cli.weights.catalogue import CATALOGUE, CatalogueEntry
from af3cli.weights.find import cache_folder, files_beside, find_in
from af3cli.weights.load import load_weights
from af3cli.weights.provenance import Weights, native_metadata
from af3cli.weights.safetensors_file import write_safetensors
from af3cli.weights.torch_file import check_torch_file


def catalogue_entry(name: str) -> CatalogueEntry:
    """Returns the model called `name`.

    Raises:
        WeightsError: there is none, or it is made and not downloaded.
    """
    entry = CATALOGUE.get(name)
    if entry is None:
        known = ", ".join(entry.name for entry in CATALOGUE.values() if entry.urls)
        raise WeightsError(f"{name} is not a known model ({known})")
    if not entry.urls:
        raise WeightsError(f"{name} needs no file: use --weights {name}")
    return entry


def get_weights(
    entry: CatalogueEntry,
    folder: Path | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Puts the files of `entry` into `folder` (default: the user's cache) and returns them.

    They are downloaded, or copied from `source`: a folder that holds all of them, or the first
    file, beside which the others lie. They are in place only when all have come and are the
    model's. Of what is there already, in any form in which it is found, nothing is brought again.

    Raises:
        OutputError: a file cannot be had, or is not what it should be; another process gets this
            model, or the folder cannot be written.
    """
    folder = folder or cache_folder()
    with output_errors(folder):
        if not _files_in(folder, entry):
            with only_writer(folder / entry.name):
                if not _files_in(folder, entry):
                    _get(entry, folder, source, progress or no_progress)
        return _files_in(folder, entry)


def _files_in(folder: Path, entry: CatalogueEntry) -> list[Path]:
    """Returns the files of a whole model in `folder`; a converted one is alone."""
    with suppress(WeightsError):  # a part is missing
        if first := find_in(folder, entry):
            return [first, *files_beside(first, entry)]
    return []


def _get(entry: CatalogueEntry, folder: Path, source: Path | None, progress: Progress) -> None:
    incoming = folder / f".{entry.name}"
    for url, name in zip(entry.urls, entry.file_names, strict=True):
        sha256 = entry.sha256 if name == entry.file_names[0] else None
        if source is not None:
            copy_file(_given(source, name, entry), incoming / name, sha256)
        elif (folder / name).exists():
            copy_file(folder / name, incoming / name, sha256)
        elif not (incoming / name).exists():
            download(url, incoming / name, sha256, progress)
    there = (folder / name for name in entry.file_names if source is None)
    _check_model(entry, incoming, next((file for file in there if file.exists()), None))
    for name in entry.file_names:
        os.replace(incoming / name, folder / name)
        forget_download(incoming / name)
    with suppress(OSError):  # something else is in it
        incoming.rmdir()


def _given(source: Path, name: str, entry: CatalogueEntry) -> Path:
    """Returns the file `name` of a model in the folder `source`, or the first one or beside it."""
    if source.is_dir():
        return source / name
    return source if name == entry.file_names[0] else source.with_name(name)


def _check_model(entry: CatalogueEntry, folder: Path, copied: Path | None) -> None:
    """Removes the files in `folder` if they are not the parameters of `entry`.

    The one of them that is a copy of a file that was there already is named by that.
    """
    path = folder / entry.file_names[0]
    try:
        found = load_weights(path).name
        if found != entry.name:
            raise WeightsError(f"{path} holds {found}, not {entry.name}")
        if entry.is_torch_file:
            check_torch_file(path)
    except WeightsError as error:
        for name in entry.file_names:
            (folder / name).unlink(missing_ok=True)
        if copied is None:
            told = f"What came is not {entry.name}, and was not kept. {error}"
        else:
            problem = str(error).replace(str(folder / copied.name), str(copied))
            told = (
                f"{copied} was there, and with what came it is not {entry.name}. {problem}\n"
                f"Remove {copied}, and give the command again."
            )
        raise OutputError(told) from None


def convert_file(source: str | Path, out: Path) -> Weights:
    """Writes the parameters `source` to a safetensors file that is mapped at once when it is used.

    It carries family, licence and the sha256 of the source. Returns the parameters.

    Raises:
        WeightsError: they cannot be loaded.
        OutputError: the file cannot be written.
    """
    weights = load_weights(source)
    write_safetensors(out, weights.arrays, native_metadata(weights))
    return weights
