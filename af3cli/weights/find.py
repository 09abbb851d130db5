"""Where the parameters that a user asks for are on this machine."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from af3cli.errors import WeightsError
from af3cli.user_cache import user_cache
from af3cli.weights.catalogue import (
    ALPHAFOLD3,
    CATALOGUE,
    OPENFOLD3_OPENBIND,
    CatalogueEntry,
)
from af3cli.weights.files import reading_errors
from af3cli.weights.model_files import TORCH_SUFFIXES, find_model, models_in
from af3cli.weights.official_file import noise_embedding_file

_SUFFIXES = (*TORCH_SUFFIXES, ".safetensors")


def cache_folder() -> Path:
    """Returns the folder in the user's cache that holds downloaded parameters.

    Raises:
        WeightsError: the user has no home folder, hence no cache.
    """
    folder = user_cache("weights")
    if folder is None:
        raise WeightsError(
            "There is no home folder to keep parameters in. Name a folder with --weights-dir, or "
            "set HOME or XDG_CACHE_HOME."
        )
    return folder


@reading_errors()
def find_weights(
    name_or_path: str | Path | None = None, weights_dir: str | Path | None = None
) -> Path | CatalogueEntry:
    """Returns where the parameters called `name_or_path` are, or the entry if they are made.

    A path is taken as it is. A name of the catalogue is looked up in `weights_dir`, in
    `$AF3_WEIGHTS` and in the user's cache. Without either, it is the one model in the first of
    these places that has any.

    Raises:
        WeightsError: there are no such parameters here (the text says how to get some), or a place
            cannot be read.
    """
    places = search_folders(weights_dir)
    if name_or_path is None:
        return _first_model(places, _named_folders(weights_dir))
    path = Path(name_or_path).expanduser()
    entry = CATALOGUE.get(str(name_or_path))
    if entry is None:
        path = _existing(path)
        model = path if path.is_file() else _only_model(path)
        if model is None:
            raise WeightsError(f"{path} holds no parameters")
        return model
    if not entry.urls:
        return entry
    for place in places:
        if found := find_in(place, entry):
            return found
    raise WeightsError(
        f"The parameters {entry.name} are not on this machine.\n{_advice(places, entry)}"
    )


def find_in(place: Path, entry: CatalogueEntry) -> Path | None:
    """Returns the file of `entry` in the folder `place`, or beside the file `place`, if there.

    A converted file (`NAME.safetensors`) comes before the published one.

    Raises:
        WeightsError: a part of the model's files is missing.
        OSError: the place cannot be read.
    """
    folder = place if place.is_dir() else place.parent
    if not entry.urls or not folder.is_dir():
        return None
    names = (f"{entry.name}.safetensors", entry.file_names[0])
    whole = next((folder / name for name in names if (folder / name).is_file()), None)
    first = whole or find_model(folder, entry.official_stem)
    if first:
        files_beside(first, entry)
    return first


def files_beside(first: Path, entry: CatalogueEntry) -> list[Path]:
    """Returns the files that `entry` needs beside its first one; a converted one needs none.

    Raises:
        WeightsError: one is missing.
    """
    if first.suffix == ".safetensors" or len(entry.file_names) == 1:
        return []
    return [noise_embedding_file(first)]


def find_whole(
    entry: CatalogueEntry, weights_dir: str | Path | None = None
) -> tuple[Path | None, list[str]]:
    """Returns the file of `entry` in the first place that has it whole, if one does.

    Also returns what is wrong with each place before it: it cannot be read, or a part is missing.
    """
    problems = []
    for place in search_folders(weights_dir):
        try:
            with reading_errors(place):
                if found := find_in(place, entry):
                    return found, problems
        except WeightsError as error:
            problems.append(str(error))
    return None, problems


def search_folders(weights_dir: str | Path | None = None) -> list[Path]:
    """Returns where parameters are looked for, in order; the user's cache comes last."""
    cache = user_cache("weights")
    return [*_named_folders(weights_dir), *([cache] if cache else [])]


def _named_folders(weights_dir: str | Path | None) -> list[Path]:
    """Returns the places that the user names."""
    places = [weights_dir, os.environ.get("AF3_WEIGHTS")]
    return [Path(place).expanduser() for place in places if place]


def _first_model(places: list[Path], named: list[Path]) -> Path:
    """Returns the one model at the first of `places` that has any; those `named` must be there."""
    if absent := [place for place in named if not place.exists()]:
        raise WeightsError(f"{absent[0]}, which --weights-dir or AF3_WEIGHTS gives, does not exist")
    for place in places:
        if place.is_file():
            return place
        if place.is_dir() and (model := _only_model(place)):
            return model
    raise WeightsError(f"No model parameters are on this machine.\n{_advice(places)}")


def _only_model(folder: Path) -> Path | None:
    """Returns the model in `folder`, None without any, and raises an error if there are several."""
    known = {entry: path for entry in CATALOGUE.values() if (path := find_in(folder, entry))}
    names = {name for entry in known for name in (f"{entry.name}.safetensors", *entry.file_names)}
    stems = {entry.official_stem for entry in known}
    others = [path for path in folder.iterdir() if path.suffix in _SUFFIXES]
    models = [
        *known.values(),
        *sorted(path for path in others if path.name not in names),
        *(files[0] for stem, files in models_in(folder).items() if stem not in stems),
    ]
    if len(models) > 1:
        listed = ", ".join(map(str, models))
        raise WeightsError(f"{folder} holds several models; name one with --weights: {listed}")
    return models[0] if models else None


def _existing(path: Path) -> Path:
    """Returns `path` if there is something; an unknown name gets the nearest known ones."""
    if path.exists():
        return path
    near = difflib.get_close_matches(str(path), CATALOGUE)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise WeightsError(
        f"{path} is neither a file or folder nor a known model ({', '.join(CATALOGUE)}).{hint}"
    )


def _advice(places: list[Path], wanted: CatalogueEntry | None = None) -> str:
    """Returns where was looked, and how to get the model that is `wanted`, or any."""
    looked = ", ".join(map(str, places)) or "no folder, for there is no home folder"
    models = [wanted] if wanted else [OPENFOLD3_OPENBIND, ALPHAFOLD3]
    return "\n".join(
        [
            f"Looked in {looked}.",
            *map(_how_to_get, models),
            "To try the program without parameters, use --weights synthetic or --weights "
            "synthetic-reduced; the results are then meaningless.",
        ]
    )


def _how_to_get(entry: CatalogueEntry) -> str:
    if entry.needs_consent:
        return (
            "The official AlphaFold 3 parameters are for non-commercial use only. If you accept "
            f"their terms ({entry.terms_url}):\n"
            f"    af3 weights get {entry.name} --accept-terms\n"
            f"or pass your copy of {entry.file_names[0]} with --weights."
        )
    recommended = "The recommended open model is" if entry is OPENFOLD3_OPENBIND else "It is"
    return (
        f"{recommended} {entry.name} ({entry.download_bytes / 1e9:.1f} GB, {entry.licence}). "
        f"To get it:\n    af3 weights get {entry.name}"
    )
